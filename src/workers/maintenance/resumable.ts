import Stripe from 'stripe';
import { HOUR, SECOND } from '../../shared/duration.ts';

/**
 * Where a run through one of Stripe's lists stands. Lists go from new to old, so what a stopped run has not read is
 * older than `startingAfter`, and what came into being since it began is in none of its pages.
 */
export type Cursor = {
  /** How far back the run is to reach, in Unix seconds; everything when absent. */
  since?: number | undefined;
  /** When the list that is being read was begun, in Unix seconds: what is younger is not in it. */
  begun: number;
  /** The oldest object this list is to name, in Unix seconds; below it everything is read already. */
  downTo?: number | undefined;
  /** The last object that was read. */
  startingAfter: string;
};

/** One list to read from its newest object, or from where a run stopped, down to `downTo`. Unix seconds. */
export type Stretch = Omit<Cursor, 'startingAfter'> & { startingAfter?: string | undefined };

/** Objects appear in Stripe's lists with delay, and clocks differ. In seconds. */
const OVERLAP_SECONDS = (3 * HOUR) / SECOND;

/**
 * What is to be read so that nothing since `since` is left out: the rest of a run that was stopped, and then what has
 * come since that one began; everything from now on when no stopped run helps.
 * @param since in Unix seconds; everything when absent
 * @param now in Unix seconds
 */
export function stretchesFrom(cursor: Cursor | undefined, since: number | undefined, now: number): Stretch[] {
  if (!cursor || !helps(cursor, since)) return [{ since, downTo: since, begun: now }];
  return [cursor, { since: cursor.since, downTo: cursor.begun - OVERLAP_SECONDS, begun: now }];
}

/** A run that was to reach less far back leaves something out; one that began before `since` has nothing of it. */
function helps(cursor: Cursor, since: number | undefined): boolean {
  // Written by a version that did not know what such a cursor leaves out.
  if (typeof cursor.begun !== 'number') return false;
  const reaches = cursor.since === undefined || (since !== undefined && cursor.since <= since);
  return reaches && (since === undefined || cursor.begun >= since);
}

/** Whether Stripe has forgotten the object a list was to go on after: too old (events), or deleted. */
function isUnknownCursor(thrown: unknown): boolean {
  return thrown instanceof Stripe.errors.StripeInvalidRequestError && thrown.param === 'starting_after';
}

const PAGE_SIZE = 100;
const MOST_BEGINNINGS = 4;

/**
 * Reads one of Stripe's lists to its end, a page at a time, each with where to go on after it. Should Stripe not know
 * that place any more, the list is begun again: reading twice does no harm, leaving out does.
 * @param startingAfter the last object that was read already
 */
export async function* pagesOf<P extends Stripe.ApiList<{ id: string }>>(
  list: (at: Stripe.PaginationParams) => Promise<P>,
  startingAfter?: string,
): AsyncGenerator<{ page: P; next: string | undefined }> {
  let next = startingAfter;
  let beginnings = 1;
  do {
    let page: P;
    try {
      page = await list({ limit: PAGE_SIZE, ...(next ? { starting_after: next } : {}) });
    } catch (thrown) {
      if (!next || !isUnknownCursor(thrown) || beginnings >= MOST_BEGINNINGS) throw thrown;
      beginnings += 1;
      next = undefined;
      page = await list({ limit: PAGE_SIZE });
    }
    next = page.has_more ? page.data.at(-1)?.id : undefined;
    yield { page, next };
  } while (next !== undefined);
}
