import { z } from 'zod';
import { SECOND } from '../../shared/duration.ts';
import { HttpError } from '../../shared/errors.ts';

/** Asks whether somebody solved the challenge that the page showed them. */
export type GuestChallenge = (answer: string | undefined, address: string) => Promise<void>;

const TIMEOUT_MS = 5 * SECOND;
const RETRY_AFTER_SECONDS = 5;

/** What Turnstile, hCaptcha and reCAPTCHA all answer, and anybody's own check can. */
const verdict = z.object({ success: z.boolean() });

/**
 * The hook for a challenge: what the page got from it is sent to `GUEST_CHALLENGE_URL`, as a form with `secret`,
 * `response` and `remoteip`.
 * @throws {HttpError} from the check: 403 when it was not solved, 503 when nobody can say
 */
export function createGuestChallenge({ url, secret }: { url: string; secret: string }): GuestChallenge {
  return async (answer, address) => {
    if (!answer) throw unsolved('Solve the challenge and send its answer as "challenge"');
    const body = new URLSearchParams({ secret, response: answer, remoteip: address });
    let success: boolean;
    try {
      const response = await fetch(url, {
        method: 'POST',
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      success = verdict.parse(await response.json()).success;
    } catch (cause) {
      throw HttpError.unavailable(
        'challenge_unavailable',
        'The challenge cannot be checked at the moment: try again in a few seconds',
        RETRY_AFTER_SECONDS,
        cause,
      );
    }
    if (!success) throw unsolved('The challenge was not solved: solve it again');
  };
}

function unsolved(message: string): HttpError {
  return new HttpError(403, 'challenge_failed', message);
}
