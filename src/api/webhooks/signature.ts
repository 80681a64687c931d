import type Stripe from 'stripe';
import type { Clock } from '../../shared/clock.ts';
import { AppError, HttpError } from '../../shared/errors.ts';
import { toUnixSeconds } from '../../shared/unix-time.ts';

/** How far the signature's time may be from ours, either way, in seconds. */
const TOLERANCE_SECONDS = 300;

export type SignatureDeps = {
  /** `STRIPE_WEBHOOK_SECRET`; each is tried, since during a rotation Stripe signs with either. */
  secrets: readonly string[];
  webhooks: Stripe['webhooks'];
  clock: Clock;
};

/** Checks that Stripe signed exactly this payload, within the last five minutes. */
export type SignatureCheck = (payload: string, header: string | string[] | undefined) => void;

/** @returns a check that throws {@link HttpError} 400, saying which part is wrong */
export function createSignatureCheck({ secrets, webhooks, clock }: SignatureDeps): SignatureCheck {
  const { signature } = webhooks;
  if (signature === null || secrets.length === 0) {
    throw new AppError('Webhooks cannot be verified: there is no secret, so no event may be accepted');
  }

  function isSignedWith(secret: string, payload: string, header: string, nowMs: number): boolean {
    try {
      return signature?.verifyHeader(payload, header, secret, TOLERANCE_SECONDS, undefined, nowMs) ?? false;
    } catch {
      return false;
    }
  }

  return (payload, header) => {
    if (typeof header !== 'string' || header === '') {
      throw HttpError.badRequest('missing_signature', 'The Stripe-Signature header is missing');
    }
    const now = clock.now();
    const signedAt = timeOf(header);
    // The SDK refuses what is too old but takes any time in the future.
    if (signedAt !== undefined && Math.abs(toUnixSeconds(now) - signedAt) > TOLERANCE_SECONDS) {
      throw HttpError.badRequest(
        'stale_signature',
        `The signature's time is more than ${TOLERANCE_SECONDS} s from ours: compare the clocks`,
      );
    }
    const nowMs = now.getTime();
    if (signedAt === undefined || !secrets.some((secret) => isSignedWith(secret, payload, header, nowMs))) {
      throw HttpError.badRequest(
        'invalid_signature',
        'The signature matches none of our secrets: compare STRIPE_WEBHOOK_SECRET, and pass the body on unchanged',
      );
    }
  };
}

/** The one `t=` of a signature header, in Unix seconds; none when there is another number of them. */
function timeOf(header: string): number | undefined {
  const match = /^t=(\d{1,12}),(?!.*\bt=)/.exec(header);
  return match ? Number(match[1]) : undefined;
}
