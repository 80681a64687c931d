import type Stripe from 'stripe';
import { DAY } from '../config.ts';

export interface Period {
  /** Unix seconds. */
  start: number;
  /** Unix seconds. */
  end: number;
}

/** @returns Unix seconds, `count` intervals after the anchor; the 31st becomes the last day of shorter months */
export function addInterval(
  anchor: number,
  interval: Stripe.Price.Recurring.Interval,
  count: number,
): number {
  if (interval === 'day') return anchor + count * DAY;
  if (interval === 'week') return anchor + count * 7 * DAY;
  const date = new Date(anchor * 1000);
  const months = interval === 'year' ? 12 * count : count;
  const month = date.getUTCMonth() + months;
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0)).getUTCDate();
  const moved = Date.UTC(
    date.getUTCFullYear(),
    month,
    Math.min(date.getUTCDate(), lastDay),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  );
  return Math.floor(moved / 1000);
}

/** The period that begins at `start`, on the calendar of the anchor. */
export function periodFrom(anchor: number, start: number, recurring: Stripe.Price.Recurring): Period {
  for (let n = 1; ; n++) {
    const end = addInterval(anchor, recurring.interval, n * recurring.interval_count);
    if (end > start) return { start, end };
  }
}
