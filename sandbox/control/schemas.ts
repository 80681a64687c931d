import { z } from 'zod';

/** What each control action takes, in process and as JSON. Amounts are in minor units, times in Unix seconds. */

const card = z.string().describe('a number, a name in CARDS, or pm_card_…');

export const advance = z.strictObject({ seconds: z.number().int().min(0) });
export const advanceTo = z.strictObject({ time: z.number().int() });
export const completeCheckout = z.strictObject({
  session: z.string(),
  /** `succeeds` when absent. */
  card: card.optional(),
  /** For guests; one is made up when absent. */
  email: z.string().optional(),
  promo: z.string().optional(),
  /** Answer of the holder when the card asks: true authorises, false refuses, absent leaves it waiting. */
  authenticate: z.boolean().optional(),
});
export const authenticate = z.strictObject({
  /** A Checkout Session, an invoice or a payment intent that waits for its holder. */
  id: z.string(),
  accept: z.boolean(),
});
export const settlePayment = z.union([
  z.strictObject({ session: z.string(), succeeds: z.boolean().optional() }),
  z.strictObject({ invoice: z.string(), succeeds: z.boolean().optional() }),
]);
/** As configured when absent. */
export const holdDrafts = z.strictObject({ seconds: z.number().int().min(0).optional() });
export const loseTaxAddress = z.strictObject({
  subscription: z.string(),
  outcome: z.enum(['fails_finalization', 'switches_tax_off']),
});
export const expireCheckout = z.strictObject({ session: z.string() });
export const setCard = z.strictObject({ customer: z.string(), card });
export const createSubscription = z.strictObject({
  customer: z.string(),
  price: z.string(),
  /** Becomes the customer's default first. */
  card: card.optional(),
  quantity: z.number().int().min(1).optional(),
  trialDays: z.number().int().min(1).optional(),
  missingPaymentMethod: z.enum(['cancel', 'create_invoice', 'pause']).optional(),
  billingMode: z.enum(['classic', 'flexible']).optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});
export const subscription = z.strictObject({ subscription: z.string() });
export const changePlan = z.strictObject({
  subscription: z.string(),
  price: z.string(),
  proration: z.enum(['create_prorations', 'always_invoice', 'none']).optional(),
});
export const payInvoice = z.strictObject({ invoice: z.string(), card: card.optional() });
export const refund = z.strictObject({
  /** A charge, a payment intent, an invoice or a subscription (its latest invoice). */
  of: z.string(),
  amount: z.number().int().min(1).optional(),
  reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
});
export const failRefund = z.strictObject({ refund: z.string() });
export const openDispute = z.strictObject({
  /** As for refunds. */
  of: z.string(),
  amount: z.number().int().min(1).optional(),
  reason: z.string().optional(),
  inquiry: z.boolean().optional(),
});
export const closeDispute = z.strictObject({ dispute: z.string(), outcome: z.enum(['won', 'lost']) });
export const customer = z.strictObject({ customer: z.string() });
export const fault = z.strictObject({
  kind: z.enum(['error', 'rate_limit', 'hang', 'reset', 'delay']),
  path: z.string().optional(),
  method: z.enum(['GET', 'POST', 'DELETE']).optional(),
  times: z.number().int().min(1).optional(),
  rate: z.number().min(0).max(1).optional(),
  status: z.number().int().min(400).max(599).optional(),
  error: z
    .object({
      type: z.string(),
      code: z.string(),
      param: z.string(),
      message: z.string(),
      decline_code: z.string(),
    })
    .partial()
    .optional(),
  retryAfterSeconds: z.number().min(0).optional(),
  delayMs: z.number().min(0).optional(),
  afterEffect: z.boolean().optional(),
});
export const release = z.strictObject({
  order: z.enum(['as_is', 'shuffle', 'reverse']).optional(),
  events: z.array(z.string()).optional(),
});
export const rules = z.strictObject({
  duplicates: z.number().int().min(0).optional(),
  drop: z.array(z.string()).optional(),
  dropTimes: z.number().int().min(0).optional(),
  jitterMs: z.number().min(0).optional(),
});
export const resend = z.strictObject({ event: z.string(), endpoint: z.string().optional() });
export const nothing = z.strictObject({});
