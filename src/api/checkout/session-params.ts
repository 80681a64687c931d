import type Stripe from 'stripe';
import type { PlanType } from '../../shared/entities/index.ts';
import { MARK } from '../../shared/stripe/index.ts';
import type { WebConfig } from '../config.ts';

/** Who buys: a user, or a guest whose session carries a mark that says it is ours (`SessionMarks`). */
export type Buyer = { userId: number; customerId: string; trialDays: number } | { guestMark: string };

/** What Stripe is asked for: a hosted page that sells one plan to one buyer. */
export function sessionParams(
  plan: PlanType,
  buyer: Buyer,
  { checkout, stripe }: Pick<WebConfig, 'checkout' | 'stripe'>,
): Stripe.Checkout.SessionCreateParams {
  const metadata: Record<string, string> =
    'guestMark' in buyer
      ? { plan_type: plan, source: 'guest', [MARK]: buyer.guestMark }
      : { user_id: String(buyer.userId), plan_type: plan };
  const trialDays = 'guestMark' in buyer ? 0 : buyer.trialDays;
  return {
    mode: 'subscription',
    line_items: [{ price: stripe.prices[plan], quantity: 1 }],
    locale: 'fr',
    success_url: withSessionId(checkout.successUrl),
    cancel_url: checkout.cancelUrl,
    metadata,
    // The session's metadata does not reach the subscription, whose events may come first.
    subscription_data: { metadata, ...(trialDays > 0 ? { trial_period_days: trialDays } : {}) },
    ...('guestMark' in buyer
      ? {}
      : { customer: buyer.customerId, client_reference_id: String(buyer.userId) }),
    ...(checkout.allowPromotionCodes ? { allow_promotion_codes: true } : {}),
    ...(checkout.automaticTax ? { automatic_tax: { enabled: true } } : {}),
    // Tax needs an address, and a customer we made has none.
    ...(checkout.automaticTax && !('guestMark' in buyer) ? { customer_update: { address: 'auto' } } : {}),
  };
}

/** Makes the return page know which session it comes from. Stripe fills the braces, which must not be encoded. */
export function withSessionId(successUrl: string): string {
  if (successUrl.includes('{CHECKOUT_SESSION_ID}')) return successUrl;
  const [page = '', ...fragment] = successUrl.split('#');
  const query = `${page.includes('?') ? '&' : '?'}session_id={CHECKOUT_SESSION_ID}`;
  return [page + query, ...fragment].join('#');
}
