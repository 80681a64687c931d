export { type PremiumReason, premiumReason } from './premium-reason.ts';
export {
  awaitsRenewal,
  inDunning,
  type PremiumFacts,
  type PremiumPolicy,
  premiumUntil,
  RENEWAL_LEAD_MS,
} from './premium-until.ts';
