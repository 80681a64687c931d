import type { Job } from 'bullmq';
import { Customer } from '../../shared/entities/index.ts';
import { PermanentError } from '../../shared/errors.ts';
import type { MaintenanceJob } from '../../shared/queues/index.ts';
import { isMissingAtStripe } from '../../shared/stripe/index.ts';
import { backfill } from './backfill.ts';
import { closeUnpaidOf } from './close-unpaid.ts';
import { confirmEnd } from './confirm-end.ts';
import { checkDrift } from './drift.ts';
import { checkEndpoint } from './endpoint-check.ts';
import { linkCustomerByHand } from './link-customer.ts';
import { reconcileSinceLast } from './reconcile-job.ts';
import { remember } from './state.ts';
import { type SweepDeps, sweep } from './sweep/sweep.ts';
import { syncSubscription } from './sync-subscription.ts';

export type MaintenanceDeps = SweepDeps & {
  /** The webhook endpoint's address at Stripe, when it is configured. */
  endpointUrl: string | undefined;
};

/** Drifts that a remembered report names at most. */
const NAMED_DRIFTS = 200;

/** Runs the jobs of the `maintenance` queue. */
export class Maintenance {
  readonly #deps: MaintenanceDeps;

  constructor(deps: MaintenanceDeps) {
    this.#deps = deps;
  }

  /** @returns what an operator finds as the job's result */
  async run(job: Pick<Job<MaintenanceJob>, 'data' | 'updateProgress'>): Promise<unknown> {
    const { data } = job;
    switch (data.task) {
      case 'sweep':
        return sweep(this.#deps);
      case 'sync-subscription':
        return this.#deps.follow(await syncSubscription(this.#deps, data.stripeSubscriptionId));
      case 'close-unpaid':
        return closeUnpaidOf(this.#deps, data.stripeSubscriptionId);
      case 'confirm-end':
        return this.#deps.follow(await confirmEnd(this.#deps, data.userId));
      case 'sync-payments':
        return this.#syncPayments(data.userId, job);
      case 'reconcile':
        return reconcileSinceLast(this.#deps);
      case 'drift':
        return this.#checkDrift(job);
      case 'check-endpoint':
        return this.#checkEndpoint();
      case 'link-customer':
        return this.#deps.follow(await linkCustomerByHand(this.#deps, data.stripeCustomerId, data.userId));
    }
  }

  async #syncPayments(userId: number | null, job: Pick<Job, 'updateProgress'>): Promise<unknown> {
    const onPage = (report: object): Promise<void> => job.updateProgress({ ...report });
    if (userId === null) return backfill(this.#deps, { onPage });
    const customers = await this.#deps.orm.em.fork().find(Customer, { userId });
    if (customers.length === 0) throw new PermanentError(`User ${userId} has no Stripe customer to read`);
    const reports = [];
    for (const { stripeCustomerId: customer } of customers) {
      try {
        reports.push(await backfill(this.#deps, { customer, onPage }));
      } catch (error) {
        // Of another mode or account, or deleted long ago: the user's others are read all the same.
        if (!isMissingAtStripe(error)) throw error;
        reports.push({ customer, status: 'unknown at Stripe' });
      }
    }
    return reports;
  }

  async #checkDrift(job: Pick<Job, 'updateProgress'>): Promise<unknown> {
    const { orm, clock, logger } = this.#deps;
    const report = await checkDrift(this.#deps, {
      onPage: ({ checked, drifts }) => void job.updateProgress({ checked, drifts: drifts.length }),
    });
    const { drifts, ...counts } = report;
    for (const drift of drifts) logger.warn(drift, `Drift: ${drift.cause}`);
    const summary = { ...counts, found: drifts.length };
    await remember(orm, 'drift', { ...summary, drifts: drifts.slice(0, NAMED_DRIFTS) }, clock.now());
    return summary;
  }

  async #checkEndpoint(): Promise<unknown> {
    const { orm, clock, logger, endpointUrl } = this.#deps;
    const problems = await checkEndpoint(this.#deps, endpointUrl);
    for (const { code, message } of problems) logger.error({ code }, message);
    await remember(orm, 'webhook-endpoint', { problems }, clock.now());
    return { problems };
  }
}
