import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND } from '../../shared/duration.ts';
import { Subscription } from '../../shared/entities/index.ts';
import { toError } from '../../shared/errors.ts';
import type { SubscriptionFacts } from '../../shared/stripe/facts/index.ts';
import type { WebDeps } from '../deps.ts';

const PATIENCE_MS = 2 * SECOND;
const BETWEEN_LOOKS_MS = 75;

/**
 * Waits until our rows show what was just changed at Stripe, two seconds at most: who reads next reads what they did.
 * Nothing is held in between, neither a connection nor a lock, and a worker that is away is no error.
 * @returns whether they show it
 */
export async function untilShown(
  changed: readonly SubscriptionFacts[],
  { orm, logger }: Pick<WebDeps, 'orm' | 'logger'>,
): Promise<boolean> {
  const ids = changed.map(({ id }) => id);
  const until = performance.now() + PATIENCE_MS;
  try {
    for (;;) {
      const rows = await orm.em.fork().find(Subscription, { stripeSubscriptionId: { $in: ids } });
      if (changed.every((facts) => rows.some((row) => shows(row, facts)))) return true;
      if (performance.now() + BETWEEN_LOOKS_MS > until) return false;
      await sleep(BETWEEN_LOOKS_MS);
    }
  } catch (error) {
    // It is done at Stripe, whatever becomes of looking at our side of it.
    logger.warn({ err: toError(error), subscriptions: ids }, 'Could not wait until our rows show a change');
    return false;
  }
}

function shows(row: Subscription, facts: SubscriptionFacts): boolean {
  return (
    row.stripeSubscriptionId === facts.id &&
    row.stripeStatus === facts.status &&
    (row.cancelAt ?? null)?.getTime() === facts.cancelAt?.getTime() &&
    row.collectionPaused === facts.collectionPaused
  );
}
