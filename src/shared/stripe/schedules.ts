import type Stripe from 'stripe';
import { isMissingAtStripe } from './missing.ts';
import { isRefusedByStripe, scheduleInTheWay } from './refusals.ts';

/**
 * Changes how a subscription ends, which Stripe refuses while a schedule manages it: that is released first, whoever
 * made it, and what it had planned is dropped. (A schedule's own `cancel` would bill by default.) The refusal is the
 * second signal, for a schedule that was attached after the subscription was read.
 */
export async function withoutSchedule<T>(
  subscription: Pick<Stripe.Subscription, 'schedule'>,
  stripe: Stripe,
  change: () => Promise<T>,
): Promise<T> {
  const { schedule } = subscription;
  if (schedule) await releaseSchedule(typeof schedule === 'string' ? schedule : schedule.id, stripe);
  try {
    return await change();
  } catch (error) {
    const attached = scheduleInTheWay(error);
    if (attached === null) throw error;
    await releaseSchedule(attached, stripe);
    return change();
  }
}

/** One that is over already, or gone, stands in nobody's way. */
async function releaseSchedule(id: string, stripe: Stripe): Promise<void> {
  try {
    await stripe.subscriptionSchedules.release(id);
  } catch (error) {
    if (!isRefusedByStripe(error) && !isMissingAtStripe(error)) throw error;
  }
}
