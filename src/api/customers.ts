import type { EntityManager } from '@mikro-orm/postgresql';
import { Customer } from '../shared/entities/index.ts';

/**
 * A user's living Stripe customers in this mode, the one to use first: of our own mode before adopted ones whose mode
 * nobody noted, preferred before others, newest first.
 */
export async function livingCustomers(
  em: EntityManager,
  userId: number,
  livemode: boolean,
): Promise<Customer[]> {
  const rows = await em.find(
    Customer,
    { userId, deletedAt: null, $or: [{ livemode }, { livemode: null }] },
    { orderBy: { id: 'desc' }, limit: 20 },
  );
  return rows.sort(
    (a, b) =>
      Number(b.livemode !== null) - Number(a.livemode !== null) || Number(b.preferred) - Number(a.preferred),
  );
}
