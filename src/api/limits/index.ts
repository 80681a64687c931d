export { type CostlyCalls, createCostlyCalls, limitByUser } from './costly-calls.ts';
export { RateLimit } from './rate-limit.ts';
