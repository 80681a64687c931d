import { HOUR } from '../../../shared/duration.ts';
import { CheckoutSession } from '../../../shared/entities/index.ts';
import type { SweepDeps } from './sweep.ts';

/** Leaves Stripe's own event time to arrive. */
const AFTER_MS = HOUR;

/** Closes checkouts whose time is over and whose last event never came. */
export async function sweepCheckoutSessions({ orm, clock }: SweepDeps): Promise<number> {
  const now = clock.now();
  return orm.em
    .fork()
    .nativeUpdate(
      CheckoutSession,
      { status: 'pending', expiresAt: { $lt: new Date(now.getTime() - AFTER_MS) } },
      { status: 'expired', updatedAt: now },
    );
}
