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

/** Checks that Stripe signed something within the last five minutes. Both throw {@link HttpError} 400. */
export type SignatureCheck = {
  /** What the header alone tells, before anybody reads the body: whether it can be a signature, and is of now. */
  requireHeader(header: string | string[] | undefined): string;
  /** @param header as `requireHeader` returned it */
  requireSignature(payload: string, header: string): void;
};

/** One that is worth comparing: what Stripe makes of a payload is 32 bytes in hexadecimal. */
const SIGNATURE = /,v1=[0-9a-f]{64}(?:,|$)/;

/** @throws {AppError} without a secret */
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

  return {
    requireHeader(header) {
      if (typeof header !== 'string' || header === '') {
        throw HttpError.badRequest('missing_signature', 'The Stripe-Signature header is missing');
      }
      const signedAt = timeOf(header);
      if (signedAt === undefined) throw invalid();
      // The SDK refuses what is too old but takes any time in the future.
      if (Math.abs(toUnixSeconds(clock.now()) - signedAt) > TOLERANCE_SECONDS) {
        throw HttpError.badRequest(
          'stale_signature',
          `The signature's time is more than ${TOLERANCE_SECONDS} s from ours: compare the clocks`,
        );
      }
      if (!SIGNATURE.test(header)) throw invalid();
      return header;
    },
    requireSignature(payload, header) {
      const nowMs = clock.now().getTime();
      if (!secrets.some((secret) => isSignedWith(secret, payload, header, nowMs))) throw invalid();
    },
  };
}

function invalid(): HttpError {
  return HttpError.badRequest(
    'invalid_signature',
    'The signature matches none of our secrets: compare STRIPE_WEBHOOK_SECRET, and pass the body on unchanged',
  );
}

/** The one `t=` of a signature header, in Unix seconds; none when there is another number of them. */
function timeOf(header: string): number | undefined {
  const match = /^t=(\d{1,12}),(?!.*\bt=)/.exec(header);
  return match ? Number(match[1]) : undefined;
}
