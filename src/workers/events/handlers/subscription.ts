import { DAY } from '../../../shared/duration.ts';
import { readSubscription, type SubscriptionFacts } from '../../../shared/stripe/facts/index.ts';
import { ownerOf, userIdIn } from '../books/customer-link.ts';
import { bookSubscription, isClearlyNewer, isReflected } from '../books/subscription-book.ts';
import { type Desk, handler } from '../desk.ts';
import { APPLIED, IGNORED, parkedFor, type Verdict } from '../event.ts';
import type { Touches } from '../ledger/index.ts';
import type { Snapshot } from '../stripe-reads.ts';

/** `customer.subscription.*`: the subscription as it was at the event. Payments are the invoices' business. */
export const onSubscription = handler({ read: readSubscription, touches: touchesOf, apply });

/** `customer.subscription.trial_will_end`: three days before the end, or at once when the trial is shorter. */
export const onTrialWillEnd = handler({
  read: readSubscription,
  touches: touchesOf,
  apply: async (facts, desk) => {
    const verdict = await apply(facts, desk);
    const row = desk.ledger.subscription(facts.id);
    if (row?.stripeStatus === 'trialing' && row.trialEnd) {
      const daysLeft = Math.max(0, Math.ceil((row.trialEnd.getTime() - desk.event.created.getTime()) / DAY));
      desk.ledger.announce({
        fact: `trial_ending:${row.stripeSubscriptionId}:${row.trialEnd.toISOString()}`,
        userId: row.userId,
        type: 'trial_ending',
        data: {
          message: "Votre période d'essai se termine bientôt.",
          days_left: daysLeft,
          end_date: row.trialEnd.toISOString(),
        },
      });
    }
    return verdict;
  },
});

function touchesOf(facts: SubscriptionFacts): Touches {
  return {
    customer: facts.customerId,
    subscription: facts.id,
    invoices: [facts.latestInvoiceId],
    user: userIdIn(facts.metadata),
  };
}

async function apply(facts: SubscriptionFacts, desk: Desk): Promise<Verdict> {
  const row = desk.ledger.subscription(facts.id);
  const plan = await desk.catalog.planOf(facts, row !== undefined, desk.reads);
  if (plan === null) return IGNORED;
  const { created, asked } = desk.event;
  let snapshot: Snapshot<SubscriptionFacts> = { facts, seenAt: created, ...(asked ? { asked } : {}) };
  let current = plan;
  if (row && !isClearlyNewer(row, facts, created)) {
    if (isReflected(row, facts, plan, created)) {
      if (asked && (row.readAt == null || created > row.readAt)) row.readAt = created;
      return APPLIED;
    }
    const held = { at: row.snapshotAt ?? null, version: desk.ledger.versionOf(row) };
    const answer = await desk.reads.subscription(facts.id, held);
    if (answer === null) return APPLIED;
    snapshot = answer;
    current = (await desk.catalog.planOf(snapshot.facts, true, desk.reads)) ?? plan;
  }
  const user = desk.ledger.user(row?.userId) ?? ownerOf(desk, facts.customerId, { metadata: facts.metadata });
  if (!user) return parkedFor(facts.customerId);
  await bookSubscription(desk, user, current, snapshot);
  return APPLIED;
}
