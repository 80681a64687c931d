import type { User } from '../../../shared/entities/index.ts';
import type { Desk } from '../desk.ts';

/** What an object says about whose it is, besides its customer. */
export type OwnerHints = {
  metadata?: Record<string, string>;
  clientReferenceId?: string | null;
  sessionId?: string;
  /** Counts only where it is the verified address of a user. */
  email?: string | null;
};

/** The user id that our own checkout wrote into an object's metadata. */
export function userIdIn(metadata: Record<string, string> | undefined): number | null {
  return wholeNumberOf(metadata?.user_id);
}

/** Reads a user id as we write it into Stripe's free-text fields. */
export function wholeNumberOf(text: string | null | undefined): number | null {
  return text && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null;
}

/**
 * Finds whose customer this is and remembers it: the known link, what our checkout noted on the object, a checkout
 * session of ours, then a user's verified address. Undefined when nobody can be named; nobody is ever guessed.
 */
export function ownerOf(desk: Desk, customerId: string | null, hints: OwnerHints): User | undefined {
  const { ledger } = desk;
  const known = ledger.user(ledger.customer(customerId)?.userId);
  if (known) return known;
  const noted = userIdIn(hints.metadata) ?? wholeNumberOf(hints.clientReferenceId);
  const session =
    (hints.sessionId === undefined ? undefined : ledger.session(hints.sessionId)) ??
    (customerId === null ? undefined : ledger.sessionOfCustomer(customerId));
  const candidates = [
    { user: ledger.user(noted), linkedBy: 'metadata' },
    { user: ledger.user(session?.userId), linkedBy: 'session' },
    { user: ledger.userByVerifiedEmail(hints.email ?? null), linkedBy: 'verified_email' },
  ];
  for (const { user, linkedBy } of candidates) {
    if (user === undefined) continue;
    if (customerId !== null) linkCustomer(desk, customerId, user, linkedBy);
    return user;
  }
  return undefined;
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
  const preferred = ledger.preferredCustomerOf(user.id) === undefined;
  if (existing) {
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
