import pThrottle from 'p-throttle';
import { SECOND } from '../../shared/duration.ts';

/** Runs a call to Stripe when its turn has come. */
export type Pace = <T>(call: () => Promise<T>) => Promise<T>;

/**
 * Keeps long runs well below Stripe's rate limit (100 reads a second in live mode, 25 in test mode), so that users'
 * requests always have room. The SDK itself waits and tries again on a 429.
 */
export function createPace(callsPerSecond: number): Pace {
  const throttle = pThrottle({ limit: callsPerSecond, interval: SECOND });
  return throttle((call: () => Promise<unknown>) => call()) as Pace;
}
