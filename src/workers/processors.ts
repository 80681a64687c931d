import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import type { Clock } from '../shared/clock.ts';
import { PermanentError } from '../shared/errors.ts';
import type { JobData, QueueName } from '../shared/queues/index.ts';
import { MissingAtStripe } from '../shared/stripe/index.ts';
import type { Crew } from './crew.ts';
import type { DatabaseGate } from './database-gate.ts';
import { MISSING_FOR_GOOD_MS } from './events/applier.ts';
import { parseEvent } from './events/event.ts';

/** What runs a job of each queue that the process serves. */
export type Processors = { [N in QueueName]?: (job: Job<JobData[N]>, token?: string) => Promise<unknown> };

export type ProcessorDeps = Crew & {
  gate: DatabaseGate;
  clock: Clock;
  /** Aborted when the process stops: jobs that wait for the database go back to the queue. */
  stopping: AbortSignal;
};

export function createProcessors(deps: ProcessorDeps): Processors {
  const { bookkeepers, notifier, gate, clock, stopping } = deps;
  /** Runs it; while the database is away it waits and runs it again, without using up an attempt of the job. */
  const throughOutages = async (run: () => Promise<unknown>): Promise<unknown> => {
    for (;;) {
      try {
        return await run();
      } catch (thrown) {
        // Permanent: no outage explains it, and trying again cannot help.
        if (thrown instanceof PermanentError) throw new UnrecoverableError(thrown.message);
        if (await gate.isUp()) throw thrown;
        await gate.whenUp(stopping);
      }
    }
  };
  const processors: Processors = {};
  if (bookkeepers) {
    const { applier, maintenance } = bookkeepers;
    processors['stripe-events'] = async (job, token) => {
      try {
        await throughOutages(() => applier.apply(parseEvent(job.data)));
      } catch (thrown) {
        if (thrown instanceof MissingAtStripe) await askAgainLater(job, thrown, clock, token);
        throw thrown;
      }
    };
    processors.maintenance = (job) => throughOutages(() => maintenance.run(job));
  }
  if (notifier) processors.notifications = (job) => throughOutages(() => notifier.deliver(job.data));
  return processors;
}

/**
 * Puts a job off until it can be told whether Stripe will ever know an object: trying again at once would only use up
 * attempts, and calls to Stripe. @throws {DelayedError} which tells BullMQ that the job is put off
 */
async function askAgainLater(
  job: Job<JobData['stripe-events']>,
  { id }: MissingAtStripe,
  clock: Clock,
  token: string | undefined,
): Promise<never> {
  const known = job.data.missing?.id === id ? job.data.missing : undefined;
  const at = known?.at ?? clock.now().getTime();
  if (!known) await job.updateData({ ...job.data, missing: { id, at } });
  await job.moveToDelayed(Date.now() + MISSING_FOR_GOOD_MS, token);
  throw new DelayedError();
}
