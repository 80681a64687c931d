/** How many requests of one address Matcha's gateway lets through between two quiet seconds. */
export const MATCHA_LIMIT = 100;

type Bucket = { tokens: number; askedAt: number };

/**
 * The rule of the limiter in Matcha's Go gateway, with its catch: an address gets its requests back after a whole
 * second in which it asked for nothing, and a request that is refused is a request too. One limiter for all routes.
 */
export class MatchaLimiter {
  readonly #buckets = new Map<string, Bucket>();

  /** @param now milliseconds of a clock that only goes forward */
  allows(address: string, now = performance.now()): boolean {
    const { tokens, askedAt } = this.#buckets.get(address) ?? { tokens: MATCHA_LIMIT, askedAt: now };
    const wholeSeconds = Math.floor((now - askedAt) / 1_000);
    const refilled = Math.min(MATCHA_LIMIT, tokens + wholeSeconds * MATCHA_LIMIT);
    this.#buckets.set(address, { tokens: Math.max(0, refilled - 1), askedAt: now });
    return refilled > 0;
  }
}
