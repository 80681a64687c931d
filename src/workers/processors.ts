import { type Job, UnrecoverableError } from 'bullmq';
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

export function createProcessors({ bookkeepers, notifier, gate, stopping }: ProcessorDeps): Processors {
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
    processors['stripe-events'] = (job) =>
      throughOutages(() => applier.apply(parseEvent(job.data.payload, job.data.correlationId)));
    processors.maintenance = (job) => throughOutages(() => maintenance.run(job));
  }
  if (notifier) processors.notifications = (job) => throughOutages(() => notifier.deliver(job.data));
  return processors;
}
