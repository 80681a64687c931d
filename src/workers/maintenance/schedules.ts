import { DAY, SECOND } from '../../shared/duration.ts';
import { toError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import type { MaintenanceJob, QueueOf } from '../../shared/queues/index.ts';
import type { WorkerConfig } from '../config.ts';

type Schedule = { task: MaintenanceJob['task'] & ('sweep' | 'reconcile' | 'drift' | 'check-endpoint') } & (
  | { every: number }
  | { pattern: string; tz: string }
);

/** How often a worker looks whether Redis still knows the schedules, in milliseconds. */
const CHECK_INTERVAL_MS = 10 * SECOND;

/**
 * Announces the repeating work, and again whenever Redis has forgotten it: what brings back what Redis forgot must
 * not be forgotten with it. A schedule is one per queue, however many processes announce it.
 * @returns ends the watching
 */
export async function keepSchedules(
  queue: QueueOf<'maintenance'>,
  work: WorkerConfig['work'],
  logger: Logger,
): Promise<() => void> {
  const schedules = schedulesOf(work);
  await announce(queue, schedules);
  // A start often follows a change of configuration: what is wrong with the endpoint should not wait for tomorrow.
  if (work.dailyChecks) await queue.add('check-endpoint', { task: 'check-endpoint' });
  const timer = setInterval(() => {
    void announceAgain(queue, schedules, logger);
  }, CHECK_INTERVAL_MS);
  return () => clearInterval(timer);
}

function schedulesOf(work: WorkerConfig['work']): Schedule[] {
  return [
    { task: 'sweep', every: work.sweepIntervalSeconds * SECOND },
    ...(work.reconcileIntervalSeconds > 0
      ? [{ task: 'reconcile' as const, every: work.reconcileIntervalSeconds * SECOND }]
      : []),
    ...(work.dailyChecks
      ? [
          { task: 'drift' as const, pattern: '0 17 3 * * *', tz: 'UTC' },
          { task: 'check-endpoint' as const, every: DAY },
        ]
      : []),
  ];
}

async function announce(queue: QueueOf<'maintenance'>, schedules: readonly Schedule[]): Promise<void> {
  for (const { task, ...repeat } of schedules) {
    await queue.upsertJobScheduler(task, repeat, { name: task, data: { task }, opts: { attempts: 1 } });
  }
}

/** Only what is missing: announcing a known schedule again would put off its next run. */
async function announceAgain(
  queue: QueueOf<'maintenance'>,
  schedules: readonly Schedule[],
  logger: Logger,
): Promise<void> {
  try {
    const known = new Set((await queue.getJobSchedulers()).map(({ key }) => key));
    const forgotten = schedules.filter(({ task }) => !known.has(task));
    if (forgotten.length === 0) return;
    await announce(queue, forgotten);
    logger.warn(
      { schedules: forgotten.map(({ task }) => task) },
      'Redis had forgotten the schedules of maintenance; they are announced again',
    );
  } catch (thrown) {
    logger.warn({ err: toError(thrown) }, 'Could not look at the schedules of maintenance; tried again soon');
  }
}
