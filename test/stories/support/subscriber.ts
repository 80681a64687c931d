import type { Member } from './member.ts';
import type { World } from './world.ts';

/** A user with a subscription, and what later parts of the story ask for. */
export type Subscriber = {
  user: Member;
  /** Stripe's id of the subscription. */
  id: string;
  /** Stripe's id of the customer. */
  customer: string;
  /** When the first period ends. */
  end: Date;
};

/** A user who has bought a plan and was told so. */
export async function subscriber(
  world: World,
  plan: 'mensuel' | 'annuel' = 'mensuel',
  card = 'succeeds',
): Promise<Subscriber> {
  const user = await world.member();
  const id = await user.buys(plan, card);
  user.news();
  const row = (await world.rows.subscriptions()).find((each) => each.stripeSubscriptionId === id);
  if (!row?.currentPeriodEnd) throw new Error(`${id} has no period`);
  return { user, id, customer: row.stripeCustomerId, end: row.currentPeriodEnd };
}
