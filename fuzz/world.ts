import jwt from 'jsonwebtoken';
import type { Matcha } from '../rig/matcha.ts';

/** Users of the installation: these log in, */
export const MEMBERS = [11, 12, 13] as const;
/** and these never do: nothing may ever happen in their name. */
export const VICTIMS = [91, 92, 93] as const;

/** All that the requests are made from. */
export type World = {
  readonly matcha: Matcha;
  readonly secrets: Matcha['secrets'];
  /** Paths of the service's description, with their methods; ids are filled in. */
  readonly routes: readonly { readonly method: string; readonly path: string }[];
  /** Tokens that are good but for having been revoked. */
  readonly revoked: readonly string[];
};

/** A login token as Matcha gives it. */
export function tokenOf(secret: string, user: number | string): string {
  return jwt.sign({ scope: 'access' }, secret, { subject: String(user), expiresIn: '2h' });
}

/** Reads the routes that the service says it has, and adds the gateway's own. */
export async function readRoutes(webUrl: string): Promise<World['routes']> {
  const response = await fetch(`${webUrl}/api/openapi.json`);
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, unknown>> };
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations)
      .filter((method) => METHODS.has(method))
      .map((method) => ({ method: method.toUpperCase(), path: path.replaceAll(/\{[^}]+\}/g, '11') })),
  );
  return [...described, ...GATEWAY, ...BOARD];
}

const METHODS = new Set(['get', 'put', 'post', 'delete', 'patch', 'head', 'options']);

const GATEWAY = [
  { method: 'POST', path: '/api/internal/websocket/broadcast' },
  { method: 'GET', path: '/api/internal/websocket/stats' },
  { method: 'GET', path: '/api/internal/users/11/online-status' },
  { method: 'POST', path: '/api/internal/users/online-status/bulk' },
  { method: 'GET', path: '/api/internal/health' },
  { method: 'GET', path: '/api/paiements/health' },
  { method: 'POST', path: '/api/v1/stripe/webhook' },
  { method: 'POST', path: '/api/v1/stripe/create-checkout-session' },
  { method: 'GET', path: '/ws' },
] as const;

const BOARD = [
  { method: 'GET', path: '/admin/queues' },
  { method: 'GET', path: '/admin/queues/api/queues' },
  { method: 'POST', path: '/admin/queues/login' },
  { method: 'PUT', path: '/admin/queues/api/queues/stripe-events/retry/failed' },
] as const;
