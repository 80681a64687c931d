import { createHmac } from 'node:crypto';

/**
 * The `Stripe-Signature` header for a body.
 * @param at Unix seconds of REAL time: receivers compare it with their own clock, not with the sandbox's
 */
export function signatureHeader(
  body: string,
  secret: string,
  at: number = Math.floor(Date.now() / 1000),
): string {
  const v1 = createHmac('sha256', secret).update(`${at}.${body}`, 'utf8').digest('hex');
  return `t=${at},v1=${v1}`;
}
