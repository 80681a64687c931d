import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { HttpError } from '../shared/errors.ts';
import { browserTokenOf, splitTarget } from './browser-token.ts';
import { Connection, type ConnectionDeps } from './connection.ts';
import { envelopeOf, publicErrorOf } from './envelope.ts';
import type { Login, LoginCheck } from './login.ts';
import { requireAllowedOrigin } from './origins.ts';

export type UpgradeDeps = ConnectionDeps & {
  login: LoginCheck;
  allowedOrigins: readonly string[];
  isStopping: () => boolean;
};

/** Pieces in which a frame may come, as the protocol cuts it and as the network does: far more than either needs. */
const MAX_FRAGMENTS = 64;
const MAX_CHUNKS = 256;

/** Whether a request wants a WebSocket. Others with an `Upgrade` header (h2c) are ordinary requests. */
export function wantsWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket';
}

/** Handles the `upgrade` event: `/ws` becomes a {@link Connection}, everything else is refused as plain HTTP. */
export function createUpgradeHandler(deps: UpgradeDeps) {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: deps.limits.maxFrameBytes,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_CHUNKS,
  });
  return async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    // Until `ws` takes over, a reset connection would otherwise end the process.
    const ignore = (): void => {};
    socket.on('error', ignore);
    try {
      const login = await identify(request, deps);
      // In one go with the upgrade, so that neither a stop nor a burst of tabs slips in between.
      requireRoom(login, deps);
      socket.off('error', ignore);
      sockets.handleUpgrade(request, socket, head, (webSocket) => new Connection(webSocket, login, deps));
    } catch (thrown) {
      refuse(socket, publicErrorOf(thrown));
    }
  };
}

async function identify(request: IncomingMessage, deps: UpgradeDeps): Promise<Login> {
  if (!/^\/ws\/?$/.test(splitTarget(request.url ?? '').path)) {
    throw HttpError.notFound('route_not_found', 'WebSockets are served at /ws');
  }
  // It changes nothing, but what comes over it no other site may read. A page that has the token itself was given it.
  const comesByItself = browserTokenOf(request)?.source === 'cookie';
  if (comesByItself || deps.allowedOrigins.length > 0) requireAllowedOrigin(request, deps.allowedOrigins);
  return await deps.login(request);
}

function requireRoom(login: Login, { hub, limits, isStopping }: UpgradeDeps): void {
  if (isStopping()) throw HttpError.unavailable('stopping', 'This gateway is stopping: connect again', 1);
  if (hub.connectionsOf(String(login.userId)) >= limits.maxConnectionsPerUser) {
    throw new HttpError(429, 'too_many_connections', 'Too many open connections: close a tab');
  }
}

function refuse(socket: Duplex, error: HttpError): void {
  const body = JSON.stringify(envelopeOf(error));
  const headers = {
    ...error.headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\n${lines.join('')}\r\n${body}`);
}
