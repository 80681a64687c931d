import type { EntityManager } from '@mikro-orm/postgresql';
import type Stripe from 'stripe';
import { Customer, User } from '../../shared/entities/index.ts';
import { HttpError } from '../../shared/errors.ts';
import { isEmailRefused } from '../../shared/stripe/index.ts';
import { livingCustomers } from '../customers.ts';
import type { WebDeps } from '../deps.ts';
import { isMissingAtStripe } from '../middleware/stripe-errors.ts';
import { idempotencyKey } from './idempotency.ts';

type CustomerDeps = Pick<WebDeps, 'stripe' | 'config' | 'clock'>;

/**
 * The Stripe customer that a user buys as: the known one, or a new one. A customer that was deleted at Stripe leaves
 * a tombstone. Only within the user's lock, else two purchases make two customers.
 * @returns Stripe's id
 */
export async function ensureCustomer(em: EntityManager, userId: number, deps: CustomerDeps): Promise<string> {
  for (const row of await livingCustomers(em, userId, deps.config.stripe.livemode)) {
    // Customers of abandoned checkouts of old; a new purchase does not wake them.
    if (!row.preferred) continue;
    const customer = await readCustomer(row.stripeCustomerId, deps.stripe);
    if (customer) {
      if (row.livemode == null) {
        await em.nativeUpdate(Customer, { id: row.id }, { livemode: customer.livemode });
      }
      return customer.id;
    }
    await em.nativeUpdate(Customer, { id: row.id }, { deletedAt: deps.clock.now() });
  }
  return createCustomer(em, userId, deps);
}

/**
 * A customer of its own for what the present one cannot buy, because something of theirs runs in another currency. It
 * becomes the preferred one; the other keeps what it has. Only within the user's lock.
 * @param customerId the one that Stripe refused
 * @returns Stripe's id
 */
export async function replaceCustomer(
  em: EntityManager,
  userId: number,
  customerId: string,
  deps: CustomerDeps,
): Promise<string> {
  const preferred = (await livingCustomers(em, userId, deps.config.stripe.livemode)).filter(
    (row) => row.preferred,
  );
  // Another purchase met the same refusal just before.
  const replaced = preferred.find((row) => row.stripeCustomerId !== customerId);
  if (replaced) return replaced.stripeCustomerId;
  // First, because a user has one preferred customer at most.
  await em.nativeUpdate(Customer, { id: { $in: preferred.map((row) => row.id) } }, { preferred: false });
  return createCustomer(em, userId, deps);
}

async function readCustomer(id: string, stripe: Stripe): Promise<Stripe.Customer | undefined> {
  try {
    const customer = await stripe.customers.retrieve(id);
    return customer.deleted ? undefined : customer;
  } catch (error) {
    if (isMissingAtStripe(error)) return undefined;
    throw error;
  }
}

async function createCustomer(
  em: EntityManager,
  userId: number,
  { stripe, config, clock }: CustomerDeps,
): Promise<string> {
  const user = await em.findOne(User, userId);
  if (user === null) throw HttpError.unauthorized('The account of this login token no longer exists');
  const howMany = await em.count(Customer, { userId });
  const mode = config.stripe.livemode ? 'live' : 'test';
  const make = (email: string | undefined): Promise<Stripe.Customer> => {
    const params = { email, metadata: { user_id: String(userId) } };
    return stripe.customers.create(params, {
      idempotencyKey: idempotencyKey(`customer:${mode}:${userId}:${howMany}`, params, clock.now()),
    });
  };
  const customer = await withOrWithout(user.email?.trim() || undefined, make);
  // The worker may have met the customer's own event before we come to write the row.
  await em
    .createQueryBuilder(Customer)
    .insert({
      userId,
      stripeCustomerId: customer.id,
      livemode: customer.livemode,
      preferred: true,
      linkedBy: 'checkout',
      createdAt: clock.now(),
    })
    .onConflict('stripeCustomerId')
    .merge(['userId', 'livemode', 'preferred'])
    .execute('run');
  return customer.id;
}

/** An address that Stripe does not take is no reason not to sell: Checkout asks for one. */
async function withOrWithout(
  email: string | undefined,
  make: (email: string | undefined) => Promise<Stripe.Customer>,
): Promise<Stripe.Customer> {
  try {
    return await make(email);
  } catch (error) {
    if (email === undefined || !isEmailRefused(error)) throw error;
    return make(undefined);
  }
}
