import { createHash, timingSafeEqual } from 'node:crypto';

/** Answers whether a text is one of the secrets it was made for. */
export type SecretCheck = (given: string) => boolean;

/**
 * Compares with every accepted secret, always with all of them. Digests have one length, so that comparing takes the
 * same time whatever was sent and whichever secret it is.
 */
export function createSecretCheck(accepted: readonly string[]): SecretCheck {
  const expected = accepted.map(digest);
  return (given) => {
    const offered = digest(given);
    // No `some`: it would stop at the first match.
    return expected.map((secret) => timingSafeEqual(offered, secret)).includes(true);
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
