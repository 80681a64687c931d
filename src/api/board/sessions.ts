import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Redis } from 'ioredis';

export type SessionOptions = {
  redis: Redis;
  /** Before the keys in Redis. */
  prefix: string;
  /** How long a login lasts, in seconds. */
  lifeSeconds: number;
  credentials: { user: string; password: string };
};

/**
 * Logins to the board, kept in Redis rather than signed into the cookie: the board is nothing without Redis anyway,
 * every web process sees them, and logging out ends one for whoever copied the cookie too.
 *
 * The key is a digest of the token and the value a MAC of it under user and password. Who reads Redis learns no token,
 * who writes to it can make no login, and changing the password ends every one.
 */
export class Sessions {
  readonly #options: SessionOptions;
  readonly #macKey: Buffer;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { user, password } = options.credentials;
    this.#macKey = createHash('sha256')
      .update(JSON.stringify([user, password]))
      .digest();
  }

  /** Begins a login. @returns the token for the cookie */
  async begin(): Promise<string> {
    const token = randomBytes(32).toString('base64url');
    const { redis, lifeSeconds } = this.#options;
    await redis.set(this.#key(token), this.#mac(token).toString('base64url'), 'EX', lifeSeconds);
    return token;
  }

  async isRunning(token: string | undefined): Promise<boolean> {
    if (token === undefined || !/^[\w-]{43}$/.test(token)) return false;
    const stored = Buffer.from((await this.#options.redis.get(this.#key(token))) ?? '', 'base64url');
    const expected = this.#mac(token);
    return stored.length === expected.length && timingSafeEqual(stored, expected);
  }

  async end(token: string | undefined): Promise<void> {
    if (token !== undefined) await this.#options.redis.del(this.#key(token));
  }

  #key(token: string): string {
    return `${this.#options.prefix}:board-session:${createHash('sha256').update(token).digest('base64url')}`;
  }

  #mac(token: string): Buffer {
    return createHmac('sha256', this.#macKey).update(token).digest();
  }
}
