import type { EntityManager } from '@mikro-orm/postgresql';
import { Customer, UNCONFIRMED_LINK } from '../shared/entities/index.ts';

/**
 * A user's living Stripe customers in this mode, the one to use first: of our own mode before adopted ones whose mode
 * nobody noted, preferred before others, newest first. One that only a typed address ties to the user is not among
 * them: its payer may be a stranger.
 */
export async function livingCustomers(
  em: EntityManager,
  userId: number,
  livemode: boolean,
): Promise<Customer[]> {
  const rows = await em.find(
    Customer,
    { userId, deletedAt: null, linkedBy: { $ne: UNCONFIRMED_LINK }, ...ofMode(livemode) },
    { orderBy: { id: 'desc' }, limit: 20 },
  );
  return rows.sort(
    (a, b) =>
      Number(b.livemode !== null) - Number(a.livemode !== null) || Number(b.preferred) - Number(a.preferred),
  );
}

/** Stripe's ids of the customers whose payers a user may know nothing of, until somebody confirms that it is them. */
export async function strangersOf(em: EntityManager, userId: number): Promise<string[]> {
  const rows = await em.find(Customer, { userId, linkedBy: UNCONFIRMED_LINK });
  return rows.map(({ stripeCustomerId }) => stripeCustomerId);
}

/** Rows of our key's mode, and those of the old service, whose mode nobody noted: they count as ours. */
export function ofMode(livemode: boolean) {
  return { $or: [{ livemode }, { livemode: null }] };
}
