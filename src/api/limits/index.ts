export { type CostlyCalls, createCostlyCalls } from './costly-calls.ts';
export { RateLimit } from './rate-limit.ts';
export { forLeaving, StripeBudget } from './stripe-budget.ts';
