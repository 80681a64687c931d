import jwt from 'jsonwebtoken';

export const JWT_SECRET = 'the-jwt-secret-of-the-tests';

/** A login token as Matcha's auth service signs it. */
export function loginToken(
  userId: number,
  claims: Record<string, unknown> = {},
  { secret = JWT_SECRET, algorithm = 'HS256' }: { secret?: string; algorithm?: jwt.Algorithm } = {},
): string {
  const now = Math.floor(Date.now() / 1_000);
  return jwt.sign({ sub: String(userId), iat: now, exp: now + 3_600, scope: 'access', ...claims }, secret, {
    algorithm,
  });
}

/** What the gateway adds to a logged-in user's request. */
export function loginHeaders(userId: number, token: string = loginToken(userId)): Record<string, string> {
  return { 'x-user-id': String(userId), 'x-jwt-token': token };
}
