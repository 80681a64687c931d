import type { Subscription } from '../../../shared/entities/index.ts';
import { readSubscription, type SubscriptionFacts } from '../../../shared/stripe/facts/index.ts';
import { ownerOf, userIdIn } from '../books/customer-link.ts';
import {
  bookSubscription,
  isClearlyNewer,
  isReflected,
  rememberPayload,
} from '../books/subscription-book.ts';
import { announceTrialEnd } from '../books/trial-end.ts';
import { type Desk, handler } from '../desk.ts';
import { APPLIED, IGNORED, parkedFor, type Verdict } from '../event.ts';
import type { Touches } from '../ledger/index.ts';
import { type Snapshot, withAllItems } from '../stripe-reads.ts';

/** `customer.subscription.*`: the subscription as it was at the event. Payments are the invoices' business. */
export const onSubscription = handler({
  read: readSubscription,
  complete: withAllItems,
  touches: touchesOf,
  apply,
});

/** `customer.subscription.trial_will_end`: three days before the end, or at once when the trial is shorter. */
export const onTrialWillEnd = handler({
  read: readSubscription,
  complete: withAllItems,
  touches: touchesOf,
  apply: async (facts, desk) => {
    const verdict = await apply(facts, desk);
    const row = desk.ledger.subscription(facts.id);
    // What is said is that this end comes; one that was moved meanwhile is another.
    if (row && row.trialEnd?.getTime() === facts.trialEnd?.getTime())
      announceTrialEnd(desk.ledger, row, desk.event.created);
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

async function apply(told: SubscriptionFacts, desk: Desk): Promise<Verdict> {
  const all = await withAllItems(told, desk.reads);
  const row = desk.ledger.subscription(all.id);
  const plan = await desk.catalog.planOf(all, row !== undefined, desk.reads);
  if (plan === null) return IGNORED;
  const facts = desk.catalog.focus(all);
  const { created, asked } = desk.event;
  let snapshot: Snapshot<SubscriptionFacts> = { facts, seenAt: created, ...(asked ? { asked } : {}) };
  let current = plan;
  if (row && !isClearlyNewer(row, facts, created)) {
    if (isReflected(row, facts, plan, created)) return noted(row, facts, desk);
    const held = { at: row.snapshotAt ?? null, version: desk.ledger.versionOf(row) };
    const answer = await desk.reads.subscription(facts.id, held);
    if (answer === null) return noted(row, facts, desk);
    snapshot = answer;
    current = (await desk.catalog.planOf(snapshot.facts, true, desk.reads)) ?? plan;
  }
  const user = desk.ledger.user(row?.userId) ?? ownerOf(desk, facts.customerId, { metadata: facts.metadata });
  if (!user) return parkedFor(facts.customerId);
  const booked = await bookSubscription(desk, user, current, snapshot);
  return snapshot.facts === facts ? APPLIED : noted(booked, facts, desk);
}

/** The row shows what this tells, or something later: what stays true however old it is, is kept. */
function noted(row: Subscription, facts: SubscriptionFacts, { event, ledger }: Desk): Verdict {
  if (event.asked && (row.readAt == null || event.created > row.readAt)) row.readAt = event.created;
  rememberPayload(row, facts, event.created);
  ledger.touchUser(row.userId);
  return APPLIED;
}
