import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createProxyServer } from 'http-proxy-3';
import { logIn, logOut, type SessionDeps, sendJson, whoAmI } from './session.ts';
import { sendPage } from './static.ts';
import { advanceClock } from './stripe-clock.ts';

export type FrontDeps = SessionDeps & { readonly gatewayUrl: string; readonly sandboxUrl: string };

/** A running front. */
export type Front = { close(): Promise<void> };

/**
 * What Caddy does for Matcha: serves the page, and passes `/api/*` and `/ws` to the gateway under one origin.
 * Added for the demo, under `/demo/`: a login without a password, and a way to let time pass at Stripe.
 */
export async function startFront(port: number, deps: FrontDeps): Promise<Front> {
  const proxy = createProxyServer({ target: deps.gatewayUrl, xfwd: true });
  proxy.on('error', (_error, _request, target) => unreachable(target));
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/api/')) {
      proxy.web(request, response);
      return;
    }
    answer(request, response, deps).catch((error: unknown) => {
      console.error(error);
      if (!response.headersSent)
        sendJson(response, 500, { success: false, error: 'The demo failed, see its output' });
    });
  });
  server.on('upgrade', (request, socket: Socket, head) => {
    if (pathOf(request) === '/ws') proxy.ws(request, socket, head);
    else socket.destroy();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      proxy.close();
      await closed;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, deps: FrontDeps): Promise<void> {
  const route = `${request.method} ${pathOf(request)}`;
  if (route === 'POST /demo/login') return logIn(request, response, deps);
  if (route === 'POST /demo/logout') return logOut(response);
  if (route === 'GET /demo/me') return whoAmI(request, response, deps);
  if (route === 'POST /demo/advance') return advanceClock(request, response, deps.sandboxUrl);
  if (request.method === 'GET' && (await sendPage(pathOf(request), response))) return;
  sendJson(response, 404, { success: false, error: 'There is nothing here' });
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

function unreachable(target: ServerResponse | Socket | undefined): void {
  if (target === undefined) return;
  if (!('writeHead' in target)) {
    target.destroy();
    return;
  }
  if (target.headersSent) target.destroy();
  else sendJson(target, 502, { success: false, error: 'The gateway does not answer', code: 'bad_gateway' });
}
