import { Counter } from 'prom-client';
import { registry } from './registry.ts';

/** Of web's budget of calls to Stripe: what is kept for those who leave, and the rest. */
export type BudgetShare = 'leaving' | 'others';

const calls = new Counter({
  name: 'paiements_stripe_budget_calls_total',
  help: 'Calls to Stripe that web asked its budget for, by share and whether there was room',
  labelNames: ['share', 'outcome'],
  registers: [registry],
});
for (const share of ['leaving', 'others']) calls.inc({ share, outcome: 'refused' }, 0);

export function countBudgetCall(share: BudgetShare, outcome: 'taken' | 'refused'): void {
  calls.inc({ share, outcome });
}
