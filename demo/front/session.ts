import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Matcha } from '../../rig/matcha.ts';
import {
  createLoginToken,
  DEFAULT_PERSON,
  findOrCreateUser,
  LOGIN_SECONDS,
  readLoginToken,
} from '../users.ts';

/** The cookie in which the gateway looks for the login token. */
const COOKIE = 'access_token';
const ATTRIBUTES = 'Path=/; HttpOnly; SameSite=Lax';

export type SessionDeps = Pick<Matcha, 'query' | 'secrets' | 'origin'>;

/** `POST /demo/login` `{"user"?}`: sets the login cookie. Stands in for Matcha's own login service. */
export async function logIn(
  request: IncomingMessage,
  response: ServerResponse,
  deps: SessionDeps,
): Promise<void> {
  const user = await findOrCreateUser(deps, await nameIn(request));
  if (user === undefined) {
    sendJson(response, 404, { success: false, error: 'Nobody of that name takes part in the demo' });
    return;
  }
  const token = createLoginToken(user, deps.secrets.jwtSecret);
  response.setHeader('set-cookie', `${COOKIE}=${token}; ${ATTRIBUTES}; Max-Age=${LOGIN_SECONDS}`);
  sendJson(response, 200, { success: true, data: { user } });
}

/** `POST /demo/logout`. */
export function logOut(response: ServerResponse): void {
  response.setHeader('set-cookie', `${COOKIE}=; ${ATTRIBUTES}; Max-Age=0`);
  sendJson(response, 200, { success: true });
}

/** `GET /demo/me`: who is logged in, `null` for nobody. */
export function whoAmI(request: IncomingMessage, response: ServerResponse, deps: SessionDeps): void {
  const token = new RegExp(`(?:^|;\\s*)${COOKIE}=([^;]+)`).exec(request.headers.cookie ?? '')?.[1];
  const user = token === undefined ? undefined : readLoginToken(token, deps.secrets.jwtSecret);
  sendJson(response, 200, { success: true, data: { user: user ?? null } });
}

async function nameIn(request: IncomingMessage): Promise<string> {
  try {
    const { user } = JSON.parse(await text(request)) as { user?: unknown };
    return typeof user === 'string' ? user : DEFAULT_PERSON;
  } catch {
    return DEFAULT_PERSON;
  }
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  });
  response.end(JSON.stringify(body));
}
