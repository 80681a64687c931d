import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SECOND } from './duration.ts';
import { toError } from './errors.ts';
import type { Logger } from './logger.ts';

/** What a path answers. */
export type Page = () => Promise<{ status: number; contentType: string; body: string }>;

/** A JSON answer, as probes read it. */
export function jsonPage(answer: () => Promise<{ status: number; body: object }>): Page {
  return async () => {
    const { status, body } = await answer();
    return { status, contentType: 'application/json; charset=utf-8', body: JSON.stringify(body) };
  };
}

/**
 * A small HTTP server for those who watch the process, on a port of its own: nobody outside reaches it through the
 * gateway, and it answers while the other one is overrun.
 * @returns its port, and what to close
 */
export async function serveMonitoring(
  pages: Readonly<Record<string, Page>>,
  address: { host: string; port: number },
  logger: Logger,
): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer(
    { requestTimeout: 5 * SECOND, headersTimeout: 5 * SECOND, connectionsCheckingInterval: 2 * SECOND },
    (request, response) => void answer(request, response, pages, logger),
  );
  server.listen(address.port, address.host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pages: Readonly<Record<string, Page>>,
  logger: Logger,
): Promise<void> {
  const path = request.url?.split('?', 1)[0]?.replace(/(?<=.)\/$/, '') ?? '';
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  const readable = request.method === 'GET' || request.method === 'HEAD';
  if (page === undefined || !readable) {
    send(response, page === undefined ? 404 : 405, 'text/plain; charset=utf-8', '');
    return;
  }
  try {
    const { status, contentType, body } = await page();
    send(response, status, contentType, body);
  } catch (thrown) {
    logger.error({ err: toError(thrown), path }, `Could not answer ${path}`);
    send(response, 500, 'text/plain; charset=utf-8', '');
  }
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(body);
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
