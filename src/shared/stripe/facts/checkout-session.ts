import { z } from 'zod';
import { livemode, metadata, moment, readShape, reference } from './shapes.ts';

/** What is true of a Checkout Session. */
export type CheckoutSessionFacts = {
  id: string;
  mode: string | null;
  /** `open`, `complete` or `expired`; absent before 2021-11, when the event type had to tell. */
  status: string | null;
  paymentStatus: string | null;
  customerId: string | null;
  subscriptionId: string | null;
  /** The first invoice; named since 2022-12. */
  invoiceId: string | null;
  /** Minor units of `currency`. */
  amountTotal: number | null;
  currency: string | null;
  clientReferenceId: string | null;
  /** What the payer typed, or the prefilled address. Nobody has verified it. */
  email: string | null;
  created: Date | null;
  expiresAt: Date | null;
  metadata: Record<string, string>;
  livemode: boolean;
};

const shape = z.object({
  object: z.literal('checkout.session'),
  id: z.string(),
  mode: z.string().nullish(),
  status: z.string().nullish(),
  payment_status: z.string().nullish(),
  customer: reference,
  subscription: reference,
  invoice: reference,
  amount_total: z.number().nullish(),
  currency: z.string().nullish(),
  client_reference_id: z.string().nullish(),
  customer_details: z.object({ email: z.string().nullish() }).nullish(),
  customer_email: z.string().nullish(),
  created: moment,
  expires_at: moment,
  metadata,
  livemode,
});

/** @throws PermanentError on a shape that no known version has */
export function readCheckoutSession(object: unknown): CheckoutSessionFacts {
  const raw = readShape(shape, 'checkout session', object);
  return {
    id: raw.id,
    mode: raw.mode ?? null,
    status: raw.status ?? null,
    paymentStatus: raw.payment_status ?? null,
    customerId: raw.customer,
    subscriptionId: raw.subscription,
    invoiceId: raw.invoice,
    amountTotal: raw.amount_total ?? null,
    currency: raw.currency?.toLowerCase() ?? null,
    clientReferenceId: raw.client_reference_id ?? null,
    email: raw.customer_details?.email ?? raw.customer_email ?? null,
    created: raw.created,
    expiresAt: raw.expires_at,
    metadata: raw.metadata,
    livemode: raw.livemode,
  };
}
