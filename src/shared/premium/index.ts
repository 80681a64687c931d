export { type PremiumReason, premiumReason } from './premium-reason.ts';
export {
  inDunning,
  isEndCertain,
  isRenewalOverdue,
  type PremiumFacts,
  type PremiumPolicy,
  premiumUntil,
  RENEWAL_LEAD_MS,
} from './premium-until.ts';
