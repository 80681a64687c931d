import { poll } from '../../rig/poll.ts';
import type { Onlooker } from '../installation.ts';

const TELL_EVERY_MS = 5_000;

type Query = (text: string) => Promise<Record<string, unknown>[]>;

/** Where to look for what moves. */
export type Surroundings = {
  readonly onlooker: Onlooker;
  readonly query: Query;
  /** How many deliveries are still on their way from Stripe. */
  readonly deliveries: () => number;
};

/**
 * Waits until nothing moves any more: no delivery, no job, no message, and no event that only PostgreSQL holds, which
 * the sweep leaves alone for its first ten seconds.
 * @param onMoving told now and then what still moves
 * @returns undefined when it is quiet, else what still moves after `timeoutMs`
 */
export async function untilQuiet(
  { onlooker: { queues }, query, deliveries }: Surroundings,
  timeoutMs: number,
  onMoving: (what: string) => void = () => undefined,
): Promise<string | undefined> {
  let toldAt = performance.now();
  let moving = 'nobody has looked yet';
  const quiet = await poll(
    async () => {
      const found: string[] = [];
      if (deliveries() > 0) found.push(`${deliveries()} deliveries`);
      for (const { name, queue } of queues) {
        const {
          active = 0,
          waiting = 0,
          delayed = 0,
          prioritized = 0,
        } = await queue.getJobCounts('active', 'waiting', 'delayed', 'prioritized');
        // The next sweep is always planned.
        const open = active + waiting + prioritized + (name === 'maintenance' ? 0 : delayed);
        if (open > 0) found.push(`${name}: ${active} active, ${waiting} waiting, ${delayed} delayed`);
      }
      const [row] = await query('select count(*) as count from outbox_messages where delivered_at is null');
      if (Number(row?.count) > 0) found.push(`${row?.count} messages undelivered`);
      const [stored] = await query(
        'select count(*) as count from webhook_events where not processed and waiting_for is null',
      );
      if (Number(stored?.count) > 0) found.push(`${stored?.count} events stored`);
      moving = found.join('; ');
      if (found.length > 0 && performance.now() - toldAt > TELL_EVERY_MS) {
        toldAt = performance.now();
        onMoving(moving);
      }
      return found.length === 0 ? true : undefined;
    },
    { everyMs: 100, timeoutMs },
  );
  return quiet ? undefined : moving;
}

/** Jobs that were given up, with their reasons. */
export async function failedJobs({ queues }: Onlooker): Promise<string[]> {
  const failed = await Promise.all(
    queues.map(async ({ name, queue }) =>
      (await queue.getFailed(0, 50))
        // A sweep that met an outage is simply the next one's work.
        .filter((job) => job.name !== 'sweep')
        .map(
          (job) => `${name} ${job.id} (${job.name}) after ${job.attemptsMade} attempts: ${job.failedReason}`,
        ),
    ),
  );
  return failed.flat();
}
