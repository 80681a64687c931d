import { toError } from '../../shared/errors.ts';
import type { MaintenanceJob } from '../../shared/queues/index.ts';
import type { ApplierDeps } from '../events/applier.ts';
import { queueMessages } from '../events/outbox.ts';
import { releaseParked } from '../events/parked.ts';
import type { Committed } from '../events/unit-of-work.ts';
import { sweep } from './sweep.ts';
import { syncSubscription } from './sync-subscription.ts';

/** Runs the jobs of the `maintenance` queue. */
export class Maintenance {
  readonly #deps: ApplierDeps;

  constructor(deps: ApplierDeps) {
    this.#deps = deps;
  }

  async run(job: MaintenanceJob): Promise<void> {
    switch (job.task) {
      case 'sweep':
        return sweep(this.#deps);
      case 'sync-subscription':
        return this.#follow(await syncSubscription(this.#deps, job.stripeSubscriptionId));
      case 'sync-payments':
        return;
    }
  }

  /** As after an event: what cannot be queued now, the next sweep finds in the database. */
  async #follow(committed: Committed): Promise<void> {
    try {
      await queueMessages(this.#deps.notifications, committed.messages);
      await releaseParked(this.#deps, committed.appeared);
    } catch (thrown) {
      this.#deps.logger.warn(
        { err: toError(thrown) },
        'Could not queue what follows a commit; the sweep will',
      );
    }
  }
}
