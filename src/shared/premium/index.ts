export { type PremiumReason, premiumReason } from './premium-reason.ts';
export {
  inDunning,
  isEndCertain,
  isPaymentUnderWay,
  isRenewalOverdue,
  type PremiumFacts,
  type PremiumPolicy,
  paidThrough,
  premiumUntil,
  RENEWAL_ALLOWANCE_MS,
  RENEWAL_LEAD_MS,
} from './premium-until.ts';
