import { createHash } from 'node:crypto';
import Stripe from 'stripe';
import { createSandbox } from '../../sandbox/index.ts';

/** One event of a purchase, cut at the places where another purchase differs. */
export type Template = {
  readonly type: string;
  /** Text and slots in turns, text first and last. A slot is an id's prefix, for example `cus`, or `user`. */
  readonly text: readonly string[];
  readonly slots: readonly string[];
};

/**
 * What a purchase sends to an endpoint that asks for what this service handles, without `checkout.session.completed`:
 * the peer would fetch its line items from Stripe.
 */
const TYPES = [
  'customer.subscription.created',
  'payment_intent.succeeded',
  'invoice.paid',
  'invoice.payment_succeeded',
  'customer.subscription.updated',
  'invoice_payment.paid',
] as const;

/** Notifications that one purchase causes: premium began, a payment succeeded. */
export const NOTIFICATIONS_A_PURCHASE = 2;

const EVENT_BYTES = 5_000;
/** What one filled-in metadata entry adds, quotes and indentation included. */
const NOTE_BYTES = 408;

const USER = 424_242_424;
const IDS =
  /\b(evt|cus|sub|si|in|il|pi|ch|cs_test|pm|inpay|seti|txn)_(?=[A-Za-z]*[0-9A-Z])[A-Za-z0-9]{6,}|424242424/g;

/**
 * Lets one user buy in the sandbox and keeps the events as Stripe sends them, pretty-printed. Within one purchase each
 * is dated a second after the one before: with equal times the service would ask Stripe, and the sandbox would be
 * measured.
 */
export async function recordPurchase(prices: { mensuel: string; annuel: string }): Promise<Template[]> {
  const startAt = Math.floor(Date.now() / 1_000) - 60;
  const sandbox = await createSandbox({ frozen: true, startAt, seed: 7, prices });
  try {
    const stripe = new Stripe('sk_test_bench', sandbox.stripeOptions);
    const metadata = { user_id: String(USER), plan_type: 'mensuel' };
    const email = `user-${USER}@bench.example`;
    const { id: customer } = await stripe.customers.create({ email, metadata });
    const session = await stripe.checkout.sessions.create({
      mode: 'subscription',
      line_items: [{ price: prices.mensuel, quantity: 1 }],
      success_url: 'https://matcha.example/premium?checkout=success&session_id={CHECKOUT_SESSION_ID}',
      cancel_url: 'https://matcha.example/premium?checkout=cancel',
      customer,
      client_reference_id: String(USER),
      metadata,
      subscription_data: { metadata },
    });
    sandbox.completeCheckout({ session: session.id, email });
    const { data } = await stripe.events.list({ limit: 100 });
    return TYPES.map((type, index) => {
      const event = data.find((each) => each.type === type);
      if (!event) throw new Error(`The sandbox's purchase made no ${type}`);
      return cut(type, fullSize({ ...event, created: startAt + 1 + index }));
    });
  } finally {
    await sandbox.close();
  }
}

/** Real accounts' objects carry more than the sandbox's: metadata fills each event up to the usual size. */
function fullSize(event: object): string {
  const missing = EVENT_BYTES - JSON.stringify(event, null, 2).length;
  if (missing <= NOTE_BYTES / 2) return JSON.stringify(event, null, 2);
  const filled = structuredClone(event) as { data: { object: { metadata?: Record<string, string> } } };
  const notes = Array.from({ length: Math.round(missing / NOTE_BYTES) }, (_, i) => [
    `note_${i}`,
    createHash('sha512').update(String(i)).digest('hex').repeat(3),
  ]);
  filled.data.object.metadata = { ...filled.data.object.metadata, ...Object.fromEntries(notes) };
  return JSON.stringify(filled, null, 2);
}

function cut(type: string, body: string): Template {
  const slots: string[] = [];
  const text = body.replace(IDS, (_, prefix: string | undefined) => {
    slots.push(prefix ?? 'user');
    return '\u0000';
  });
  return { type, text: text.split('\u0000'), slots };
}
