import { createHash } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { type Clock, systemClock } from './clock.ts';
import { MINUTE, SECOND } from './duration.ts';
import { HttpError } from './errors.ts';
import type { LoginRedis } from './redis.ts';

/** How far the clocks of the machine that signs and the one that checks may differ, in milliseconds. */
export const LOGIN_TOKEN_LEEWAY_MS = MINUTE;

/** Answers whether a login was taken back; throws {@link HttpError} 503 when that cannot be known. */
export type RevocationCheck = (token: string, login: IssuedLogin) => Promise<boolean>;

/** Whose a token is, and when it was issued (`iat`, in Unix seconds), which not every token says. */
export type IssuedLogin = { readonly userId: number; readonly issuedAt: number | undefined };

/** Who a valid token belongs to, and until when it is one (leeway not included). */
export type LoginIdentity = { readonly userId: number; readonly expiresAt: Date };

export type LoginTokenOptions = {
  /** `JWT_SECRET`: HS256 keys, several while one is being rotated. */
  secrets: readonly string[];
  isRevoked: RevocationCheck;
  clock?: Clock;
};

/** PostgreSQL's `integer`, the type of `users.id`. */
const MAX_USER_ID = 2_147_483_647;

/**
 * Checks a Matcha login token, the same way for every process: HS256 and nothing else; `exp` (required), `nbf` and
 * `iat` with 60 s leeway; `scope`, when present, `access`; `sub` the decimal user id; not taken back.
 * @throws {HttpError} 401 saying what is wrong, or 503 when revocation cannot be checked (fail closed)
 */
export async function verifyLoginToken(token: string, options: LoginTokenOptions): Promise<LoginIdentity> {
  const claims = claimsOf(token, options.secrets, options.clock ?? systemClock);
  const identity = identityOf(claims);
  // Last, so that a forged token costs no trip to Redis.
  if (await options.isRevoked(token, { userId: identity.userId, issuedAt: claims.iat })) {
    throw HttpError.unauthorized('The login token was revoked: log in again');
  }
  return identity;
}

type Claims = { userId: unknown; exp: number; iat: number | undefined; scope: unknown };

function claimsOf(token: string, secrets: readonly string[], clock: Clock): Claims {
  const nowSeconds = Math.floor(clock.now().getTime() / SECOND);
  const leewaySeconds = LOGIN_TOKEN_LEEWAY_MS / SECOND;
  const payload = verifiedPayload(token, secrets, {
    algorithms: ['HS256'],
    clockTimestamp: nowSeconds,
    clockTolerance: leewaySeconds,
  });
  if (typeof payload === 'string') throw HttpError.unauthorized('The login token carries no claims');
  // A token without an end could only ever be taken back by remembering its revocation for ever.
  if (payload.exp === undefined) throw HttpError.unauthorized('The login token has no expiry (exp)');
  // jsonwebtoken looks at exp and nbf but not at an iat in the future.
  if (payload.iat !== undefined && !(payload.iat <= nowSeconds + leewaySeconds)) {
    throw HttpError.unauthorized('The login token is dated in the future (iat)');
  }
  return { userId: payload.sub, exp: payload.exp, iat: payload.iat, scope: payload.scope };
}

/** Tries every key, also after one fitted, so that the time taken does not tell which. */
function verifiedPayload(
  token: string,
  secrets: readonly string[],
  options: jwt.VerifyOptions & { complete?: false },
): jwt.JwtPayload | string {
  const attempts = secrets.map((secret) => {
    try {
      return { payload: jwt.verify(token, secret, options) };
    } catch (error) {
      return { refusal: refusalOf(error), signed: isAboutTime(error) };
    }
  });
  for (const { payload } of attempts) if (payload !== undefined) return payload;
  // Of several reasons the one that names a time is of the key that fitted.
  const reason = attempts.find(({ signed }) => signed) ?? attempts[0];
  throw reason?.refusal ?? refusalOf(undefined);
}

function isAboutTime(error: unknown): boolean {
  return error instanceof jwt.TokenExpiredError || error instanceof jwt.NotBeforeError;
}

/** Only our own words reach the client: the library's may quote parts of the token. */
function refusalOf(error: unknown): HttpError {
  if (error instanceof jwt.TokenExpiredError) {
    return HttpError.unauthorized('The login token has expired: log in again');
  }
  if (error instanceof jwt.NotBeforeError) {
    return HttpError.unauthorized('The login token is not valid yet (nbf)');
  }
  return HttpError.unauthorized('The login token is not valid: log in again');
}

function identityOf(claims: Claims): LoginIdentity {
  if (claims.scope !== undefined && claims.scope !== 'access') {
    throw HttpError.unauthorized('This token is not for logging in: its scope is not "access"');
  }
  const userId = parseUserId(claims.userId);
  if (userId === undefined) {
    throw HttpError.unauthorized('The login token names no user: sub must be a positive integer string');
  }
  const expiresAt = new Date(claims.exp * SECOND);
  // `1e400` is a number to JSON, and for ever to whoever waits for it.
  if (Number.isNaN(expiresAt.getTime())) {
    throw HttpError.unauthorized('The login token has an expiry that is no time (exp)');
  }
  return { userId, expiresAt };
}

function parseUserId(subject: unknown): number | undefined {
  if (typeof subject !== 'string' || !/^[1-9]\d{0,9}$/.test(subject)) return undefined;
  const userId = Number(subject);
  return userId <= MAX_USER_ID ? userId : undefined;
}

/**
 * Looks up where the gateway keeps the logins that were taken back: single tokens, and all of a user's that were
 * issued before a moment. Fails closed: while Redis is away a token that may have been revoked is worth nothing, so the
 * check throws a 503 and the client tries again.
 * @param redis a connection to database 0 (see `connectLoginRedis`) that fails fast
 */
export function createRevocationCheck(redis: Pick<LoginRedis, 'exists' | 'get'>): RevocationCheck {
  return async (token, { userId, issuedAt }) => {
    try {
      // One command each, since a cluster has these keys on different nodes; together, so that it is one wait.
      const [invalidated, ...revoked] = await Promise.all([
        redis.get(invalidationKey(userId)),
        ...revocationKeys(token).map((key) => redis.exists(key)),
      ]);
      return revoked.some((count) => count > 0) || (invalidated !== null && isBefore(issuedAt, invalidated));
    } catch (error) {
      throw HttpError.unavailable(
        'login_check_unavailable',
        'Logins cannot be checked at the moment: try again in a few seconds',
        5,
        error,
      );
    }
  };
}

/** A token that does not say when it was issued cannot be shown to be younger. */
function isBefore(issuedAt: number | undefined, moment: string): boolean {
  return issuedAt === undefined || !(issuedAt >= Number(moment));
}

/**
 * The Redis keys either of whose existence revokes `token`: what Matcha's logout writes, and what its gateway reads as
 * well.
 */
export function revocationKeys(token: string): [raw: string, hashed: string] {
  return [`blacklist:${token}`, `blacklist:${createHash('sha256').update(token).digest('hex')}`];
}

/** The Redis key with the moment, in Unix seconds, before which all tokens of a user are invalid. */
export function invalidationKey(userId: number): string {
  return `user_invalidated:${userId}`;
}
