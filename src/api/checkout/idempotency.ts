import { createHash } from 'node:crypto';
import { HOUR } from '../../shared/duration.ts';

/**
 * An idempotency key that a repeated attempt finds again, whichever process makes it: should our commit fail after
 * Stripe has acted, trying again gets the same object back instead of a second one.
 *
 * Stripe replays a key's first answer for a day, even an error 500, and refuses it with other parameters. So the key
 * also changes with the parameters and with the hour.
 * @param attempt names what is being made, for whom, and the how-many-eth it is
 */
export function idempotencyKey(attempt: string, params: object, now: Date): string {
  const digest = createHash('sha256').update(JSON.stringify(params)).digest('hex').slice(0, 16);
  return `${attempt}:${Math.floor(now.getTime() / HOUR)}:${digest}`;
}
