import { MINUTE } from '../shared/duration.ts';
import { HttpError, toError } from '../shared/errors.ts';
import type { MaintenanceJob } from '../shared/queues/index.ts';
import type { WebDeps } from './deps.ts';

/** With half a minute in between: a day of Stripe being away. */
const CLOSING_ATTEMPTS = 3_000;

type MaintenanceDeps = Pick<WebDeps, 'queues' | 'clock' | 'logger'>;

/**
 * Asks the worker for something an operator wants.
 * @returns the job's id
 * @throws {HttpError} 503 when Redis does not take it
 */
export async function requireMaintenance(job: MaintenanceJob, { queues }: MaintenanceDeps): Promise<string> {
  try {
    const { id } = await queues.maintenance.add(job.task, job);
    return String(id);
  } catch (error) {
    throw queueUnavailable(error);
  }
}

export function queueUnavailable(cause: unknown): HttpError {
  return HttpError.unavailable('queue_unavailable', 'The queue does not answer: try again later', 5, cause);
}

/**
 * Tells the worker that a subscription at Stripe is ahead of our rows; the API itself never writes subscriptions.
 * Stripe's event does the same a little later, so that failing to tell is not an error.
 * @param howOften `oncePerMinute` for what a waiting page polls
 */
export async function suggestSync(
  stripeSubscriptionId: string,
  howOften: 'always' | 'oncePerMinute',
  { queues, clock, logger }: MaintenanceDeps,
): Promise<void> {
  const minute = Math.floor(clock.now().getTime() / MINUTE);
  const options = howOften === 'oncePerMinute' ? { jobId: `sync-${stripeSubscriptionId}-${minute}` } : {};
  try {
    await queues.maintenance.add(
      'sync-subscription',
      { task: 'sync-subscription', stripeSubscriptionId },
      options,
    );
  } catch (error) {
    logger.warn(
      { err: toError(error), stripeSubscriptionId },
      'Could not ask for a sync; the event will do it',
    );
  }
}

/**
 * Leaves it to the worker to void what a subscription that has ended still asks for, as often as it takes: a customer
 * who has left could otherwise pay it for nothing.
 */
export async function suggestClosing(
  stripeSubscriptionId: string,
  { queues, logger }: MaintenanceDeps,
): Promise<void> {
  try {
    await queues.maintenance.add(
      'close-unpaid',
      { task: 'close-unpaid', stripeSubscriptionId },
      { attempts: CLOSING_ATTEMPTS },
    );
  } catch (error) {
    logger.error(
      { err: toError(error), stripeSubscriptionId },
      'Could not ask for what a subscription left unpaid to be closed: void its open invoices at Stripe',
    );
  }
}
