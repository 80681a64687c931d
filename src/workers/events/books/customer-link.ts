import {
  type CheckoutSession,
  type Customer,
  UNCONFIRMED_LINK,
  type User,
} from '../../../shared/entities/index.ts';
import type { SubscriptionFacts } from '../../../shared/stripe/facts/index.ts';
import type { Desk } from '../desk.ts';

/**
 * What says whose a customer is. A session's own metadata, its `client_reference_id` and an intent's metadata are not
 * among it: on a shared account anybody may write a number there that happens to be one of our users'.
 */
export type OwnerProofs = {
  /** Our own row of the checkout session. */
  session?: CheckoutSession | undefined;
  /** Of a subscription of ours: our checkout writes the user's id there. */
  metadata?: Record<string, string>;
  /** Counts only where it is the verified address of a user, and shows them nothing until somebody confirms it. */
  email?: string | null;
};

/** The user id that our own checkout wrote into an object's metadata. */
export function userIdIn(metadata: Record<string, string> | undefined): number | null {
  const text = metadata?.user_id;
  return text && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null;
}

/**
 * Whether our checkout sold this, by a price that may not be configured any more: the customer is that of the very user
 * whom it names, and it names the plan as we do.
 */
export function isSoldByUs(customer: Customer | undefined, { metadata }: SubscriptionFacts): boolean {
  const plan = metadata.plan_type === 'mensuel' || metadata.plan_type === 'annuel';
  return plan && customer?.userId != null && customer.userId === userIdIn(metadata);
}

/**
 * Finds whose customer this is and remembers it: the known link, a checkout session of ours, what our checkout noted on
 * the subscription, then a user's verified address. Undefined when nobody can be named; nobody is ever guessed.
 */
export function ownerOf(desk: Desk, customerId: string | null, proofs: OwnerProofs): User | undefined {
  const { ledger } = desk;
  const customer = ledger.customer(customerId);
  const session = proofs.session ?? (customerId === null ? undefined : ledger.sessionOfCustomer(customerId));
  const candidates = [
    { user: ledger.user(session?.userId), linkedBy: 'session' },
    { user: ledger.user(userIdIn(proofs.metadata)), linkedBy: 'metadata' },
    { user: ledger.userByVerifiedEmail(proofs.email ?? null), linkedBy: UNCONFIRMED_LINK },
  ];
  const found = candidates.find(({ user }) => user !== undefined);
  const known = ledger.user(customer?.userId);
  if (known) {
    // A typed address is all there was, and now there is more: in whichever order the two were heard.
    if (customer?.linkedBy === UNCONFIRMED_LINK && found?.user === known) customer.linkedBy = found.linkedBy;
    return known;
  }
  if (found?.user && customerId !== null) linkCustomer(desk, customerId, found.user, found.linkedBy);
  return found?.user;
}

/** Writes the link between a Stripe customer and a user, and lets events go that were waiting for it. */
export function linkCustomer(
  desk: Pick<Desk, 'ledger' | 'clock'> & { event: Pick<Desk['event'], 'livemode'> },
  customerId: string,
  user: User,
  linkedBy: string,
): void {
  const { ledger } = desk;
  const existing = ledger.customer(customerId);
  // Nobody buys as a customer that may be a stranger's.
  const preferred = linkedBy !== UNCONFIRMED_LINK && ledger.preferredCustomerOf(user.id) === undefined;
  if (existing?.userId === user.id) {
    existing.linkedBy = linkedBy;
  } else if (existing) {
    Object.assign(existing, {
      userId: user.id,
      linkedBy,
      preferred: preferred && existing.deletedAt == null,
    });
  } else {
    ledger.addCustomer({
      stripeCustomerId: customerId,
      userId: user.id,
      livemode: desk.event.livemode,
      preferred,
      linkedBy,
      createdAt: desk.clock.now(),
    });
  }
  ledger.appeared(customerId);
}
