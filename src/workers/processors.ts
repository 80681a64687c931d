import { type Job, UnrecoverableError } from 'bullmq';
import { isDatabaseAway } from '../shared/database/index.ts';
import { PermanentError } from '../shared/errors.ts';
import type { JobData, QueueName } from '../shared/queues/index.ts';
import type { Crew } from './crew.ts';
import type { DatabaseGate } from './database-gate.ts';
import { parseEvent } from './events/event.ts';

/** What runs a job of each queue that the process serves. */
export type Processors = { [N in QueueName]?: (job: Job<JobData[N]>) => Promise<unknown> };

export type ProcessorDeps = Crew & {
  gate: DatabaseGate;
  /** Aborted when the process stops: jobs that wait for the database go back to the queue. */
  stopping: AbortSignal;
};

/**
 * How often a job is run again at once that met a database which was away and is back by the time we ask: a failover
 * may be over within a second. More than that is no outage, and counts.
 */
const MOST_AT_ONCE = 3;

export function createProcessors({ bookkeepers, notifier, gate, stopping }: ProcessorDeps): Processors {
  /** Runs it; while the database is away it waits and runs it again, without using up an attempt of the job. */
  const throughOutages = async (run: () => Promise<unknown>): Promise<unknown> => {
    for (let metBack = 0; ; ) {
      try {
        return await run();
      } catch (thrown) {
        // Permanent: no outage explains it, and trying again cannot help.
        if (thrown instanceof PermanentError) throw new UnrecoverableError(thrown.message);
        if (await gate.isUp()) {
          metBack += 1;
          if (!isDatabaseAway(thrown) || metBack > MOST_AT_ONCE) throw thrown;
        } else {
          await gate.whenUp(stopping);
        }
      }
    }
  };
  const processors: Processors = {};
  if (bookkeepers) {
    const { applier, maintenance } = bookkeepers;
    processors['stripe-events'] = (job) =>
      throughOutages(() => applier.apply(parseEvent(job.data.payload, job.data.correlationId)));
    processors.maintenance = (job) => throughOutages(() => maintenance.run(job));
  }
  if (notifier) processors.notifications = (job) => throughOutages(() => notifier.deliver(job.data));
  return processors;
}
