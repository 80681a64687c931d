import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Redis } from 'ioredis';
import { AppError } from '../../shared/errors.ts';
import type { Account } from './config.ts';

export type SessionOptions = {
  redis: Redis;
  /** Before the keys in Redis. */
  prefix: string;
  /** How long a login lasts, in seconds. */
  lifeSeconds: number;
  accounts: readonly Account[];
};

/**
 * Logins to the board, kept in Redis rather than signed into the cookie: the board is nothing without Redis anyway,
 * every web process sees them, and logging out ends one for whoever copied the cookie too.
 *
 * The key is a digest of the token and the value the user's name and a MAC of the token under name and password. Who
 * reads Redis learns no token, who writes to it can make no login, and changing a password ends every one of that user.
 */
export class Sessions {
  readonly #options: SessionOptions;
  readonly #macKeys: ReadonlyMap<string, Buffer>;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#macKeys = new Map(options.accounts.map((account) => [account.user, macKeyOf(account)]));
  }

  /** Begins a login of somebody who has an account. @returns the token for the cookie */
  async begin(user: string): Promise<string> {
    const token = randomBytes(32).toString('base64url');
    const { redis, lifeSeconds } = this.#options;
    const key = this.#macKeys.get(user);
    if (key === undefined) throw new AppError('A login to the board began for nobody who has an account');
    const value = `${Buffer.from(user).toString('base64url')}.${macOf(token, key).toString('base64url')}`;
    await redis.set(this.#key(token), value, 'EX', lifeSeconds);
    return token;
  }

  /** @returns whose login it is, while it lasts */
  async userOf(token: string | undefined): Promise<string | undefined> {
    if (token === undefined || !/^[\w-]{43}$/.test(token)) return undefined;
    const [name = '', mac = ''] = ((await this.#options.redis.get(this.#key(token))) ?? '').split('.');
    const user = Buffer.from(name, 'base64url').toString();
    const key = this.#macKeys.get(user);
    // None for somebody who is no user (any more).
    if (key === undefined) return undefined;
    const stored = Buffer.from(mac, 'base64url');
    const expected = macOf(token, key);
    return stored.length === expected.length && timingSafeEqual(stored, expected) ? user : undefined;
  }

  async end(token: string | undefined): Promise<void> {
    if (token !== undefined) await this.#options.redis.del(this.#key(token));
  }

  #key(token: string): string {
    return `${this.#options.prefix}:board-session:${createHash('sha256').update(token).digest('base64url')}`;
  }
}

function macOf(token: string, key: Buffer): Buffer {
  return createHmac('sha256', key).update(token).digest();
}

function macKeyOf({ user, password }: Account): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([user, password]))
    .digest();
}
