import type { IncomingMessage } from 'node:http';

const NAME = 'board_session';

/** The token that a browser sends, when it sends exactly one. */
export function sessionTokenOf(request: IncomingMessage): string | undefined {
  const tokens = (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${NAME}=`))
    .map((pair) => pair.slice(NAME.length + 1));
  return tokens.length === 1 ? tokens[0] : undefined;
}

/** @param token undefined takes the cookie back */
export function sessionCookie(
  token: string | undefined,
  { path, lifeSeconds, secure }: { path: string; lifeSeconds: number; secure: boolean },
): string {
  const age = token === undefined ? 0 : lifeSeconds;
  return [
    `${NAME}=${token ?? ''}`,
    `Path=${path}`,
    `Max-Age=${age}`,
    'HttpOnly',
    'SameSite=Strict',
    ...(secure ? ['Secure'] : []),
  ].join('; ');
}
