import { createHmac, randomInt } from 'node:crypto';

export const JWT_SECRET = 'a-secret-for-tests-only';

/** A user nobody else in this run uses, since suites may share one Redis. */
export function someUser(): string {
  return String(randomInt(1_000_000, 2_000_000_000));
}

/** Unix seconds from now. */
export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1_000) + seconds;
}

export type TokenParts = {
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
  secret?: string;
};

/** A login token as Matcha signs them, or one that differs where the story says so. Written by hand: no library in between. */
export function loginToken(userId: string, { header, claims, secret = JWT_SECRET }: TokenParts = {}): string {
  const payload = { sub: userId, scope: 'access', iat: inSeconds(0), exp: inSeconds(3_600), ...claims };
  const fullHeader = { alg: 'HS256', typ: 'JWT', ...header };
  const signed = `${part(fullHeader)}.${part(payload)}`;
  const hash = { HS384: 'sha384', HS512: 'sha512' }[String(fullHeader.alg)] ?? 'sha256';
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
}

export function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
