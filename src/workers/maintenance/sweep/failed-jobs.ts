import type { Job } from 'bullmq';
import type { SweepDeps } from './sweep.ts';

const MOST_AT_ONCE = 500;

/**
 * Drives jobs again that ran out of attempts, or whose workers died too often: the trouble was around them, not in
 * them. A job that failed for good by its own fault stays failed, for a person to look at.
 */
export async function sweepFailedJobs({ events, notifications }: SweepDeps): Promise<number> {
  let driven = 0;
  for (const queue of [events, notifications]) {
    for (const job of await queue.getFailed(0, MOST_AT_ONCE - 1)) {
      if (!isDrivenAgain(job)) continue;
      await job.retry('failed', { resetAttemptsMade: true });
      driven += 1;
    }
  }
  return driven;
}

/** Whether what a job failed for was around it: attempts that ran out, workers that died with it in hand. */
export function isDrivenAgain(
  job: Pick<Job, 'attemptsMade' | 'failedReason'> & { opts: Pick<Job['opts'], 'attempts'> },
): boolean {
  const exhausted = job.attemptsMade >= (job.opts.attempts ?? 1);
  return exhausted || (job.failedReason?.includes('stalled') ?? false);
}
