import { Counter, Gauge } from 'prom-client';
import { registry } from './registry.ts';

const REFUSALS = ['another_waits', 'queue_full', 'waited_too_long', 'took_too_long'] as const;

/** Why a purchase did not get its turn, or lost it. */
export type RefusedTurn = (typeof REFUSALS)[number];

let read: () => { running: number; waiting: number } = () => ({ running: 0, waiting: 0 });

const refused = new Counter({
  name: 'paiements_purchases_refused_total',
  help: 'Purchases that got no turn, or not to its end, by reason',
  labelNames: ['reason'],
  registers: [registry],
});
for (const reason of REFUSALS) refused.inc({ reason }, 0);

new Gauge({
  name: 'paiements_purchases_in_hand',
  help: 'Purchases that run, and that wait for their turn',
  labelNames: ['state'],
  registers: [registry],
  collect() {
    for (const [state, count] of Object.entries(read())) this.set({ state }, count);
  },
});

/** Says where the turns of purchases are read. */
export function watchTurns(reading: typeof read): void {
  read = reading;
}

export function countTurnRefused(reason: RefusedTurn): void {
  refused.inc({ reason });
}
