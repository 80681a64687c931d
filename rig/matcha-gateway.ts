import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { buffer } from 'node:stream/consumers';
import { RigError } from './errors.ts';
import { MatchaLimiter } from './matcha-limiter.ts';

/** What Matcha's gateway passes on to the payment service, method by method; each also under `/api/v1`. */
const PASSED_ON: readonly RegExp[] = [
  /^(?:GET|POST|DELETE) \/api\/stripe\/subscription\/?$/,
  /^GET \/api\/stripe\/subscription\/(?:billing-portal|premium-status)\/?$/,
  /^GET \/api\/stripe\/payment\/(?:history|stats)\/?$/,
  /^POST \/api\/stripe\/(?:webhook|create-checkout-session)\/?$/,
];
const BROADCAST = 'POST /api/internal/websocket/broadcast';

/** A message that the gateway took, in the order in which it took them. */
export type TakenMessage = {
  readonly type: string;
  readonly user_id: string;
  readonly data: Record<string, unknown>;
  /** `performance.now()` of when the answer had come. */
  readonly at: number;
};

/** Where what comes through goes; what has no place is 404. */
export type MatchaGatewayTargets = {
  /** The payment service's web process, for {@link PASSED_ON}. */
  web?: string;
  /** Who holds the WebSockets, for broadcasts. */
  gateway?: string;
};

/**
 * Stands in for what Matcha's Go gateway does to us and the reference gateway does not: it limits each address over
 * all routes, internal ones included ({@link MatchaLimiter}), adds CORS headers of its own beside those of the
 * service, and passes on a short list of routes. The WebSockets stay with a reference gateway behind it.
 */
export class MatchaGateway {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly targets: MatchaGatewayTargets;
  /** How many requests the limiter has refused. */
  refusals = 0;
  /** Messages that were taken; see {@link TakenMessage}. */
  readonly taken: TakenMessage[] = [];
  readonly #limiter = new MatchaLimiter();
  readonly #server: Server;

  private constructor(server: Server, port: number, targets: MatchaGatewayTargets) {
    this.#server = server;
    this.port = port;
    this.targets = targets;
    // Go's server closes no connection for being idle.
    server.keepAliveTimeout = 0;
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  static async open(targets: MatchaGatewayTargets = {}): Promise<MatchaGateway> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new RigError('A TCP server has no port');
    return new MatchaGateway(server, address.port, targets);
  }

  get url(): string {
    return `http://${this.host}:${this.port}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#limiter.allows(request.socket.remoteAddress ?? '')) {
      this.refusals += 1;
      request.resume();
      refuse(response, 429, 'Rate limit exceeded. Please try again later.');
      return;
    }
    shareWithEverybody(request, response);
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end();
      return;
    }
    const path = request.url?.split('?')[0]?.replace(/^\/api\/v1\//, '/api/') ?? '';
    const route = `${request.method} ${path}`;
    const target = this.#targetOf(route);
    if (target === undefined) {
      request.resume();
      refuse(response, 404, 'Not found');
      return;
    }
    try {
      await this.#passOn(request, response, target, route);
    } catch {
      // As a gateway that is gone: whoever asked sees a broken connection, not an answer of somebody in between.
      response.destroy();
    }
  }

  #targetOf(route: string): string | undefined {
    if (route === BROADCAST) return this.targets.gateway;
    return PASSED_ON.some((pattern) => pattern.test(route)) ? this.targets.web : undefined;
  }

  async #passOn(
    request: IncomingMessage,
    response: ServerResponse,
    target: string,
    route: string,
  ): Promise<void> {
    const body = await buffer(request);
    const onward = httpRequest(new URL(request.url ?? '/', target), {
      method: request.method,
      headers: { ...request.headers, ...loginOf(request), 'content-length': body.length },
      agent: false,
    });
    onward.end(body);
    const [answer] = (await once(onward, 'response')) as [IncomingMessage];
    const content = await buffer(answer);
    if (route === BROADCAST && answer.statusCode === 200) {
      this.taken.push({ ...JSON.parse(String(body)), at: performance.now() });
    }
    // Header by header, as Go's proxy does: what is there already stays, and what the service says comes beside it.
    for (let i = 0; i < answer.rawHeaders.length; i += 2) {
      const [name = '', value = ''] = answer.rawHeaders.slice(i, i + 2);
      if (!/^(?:connection|keep-alive|transfer-encoding|content-length)$/i.test(name)) {
        response.appendHeader(name, value);
      }
    }
    response.writeHead(answer.statusCode ?? 502).end(content);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

function refuse(response: ServerResponse, status: number, error: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
}

function shareWithEverybody(request: IncomingMessage, response: ServerResponse): void {
  const headers: OutgoingHttpHeaders = {
    'access-control-allow-origin': request.headers.origin ?? '*',
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
    'access-control-allow-headers': 'Content-Type, Authorization',
  };
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value ?? '');
}

/** Who a login token names; that it is true, the service checks itself. */
function loginOf(request: IncomingMessage): OutgoingHttpHeaders {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) return {};
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    sub: string;
  };
  return { 'x-user-id': claims.sub, 'x-jwt-token': token };
}
