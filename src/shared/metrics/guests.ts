import { Counter } from 'prom-client';
import { registry } from './registry.ts';

const LIMITS = ['address', 'network', 'all', 'challenge'] as const;

/** What a guest's purchase was refused for. */
export type GuestLimit = (typeof LIMITS)[number];

const refused = new Counter({
  name: 'paiements_guest_checkouts_refused_total',
  help: 'Purchases without a login that were refused, by limit (challenge: it was not solved)',
  labelNames: ['limit'],
  registers: [registry],
});
for (const limit of LIMITS) refused.inc({ limit }, 0);

export function countRefusedGuest(limit: GuestLimit): void {
  refused.inc({ limit });
}
