import http, {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import https from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { createProxyServer } from 'http-proxy-3';
import { HttpError } from '../shared/errors.ts';
import { BodyCopy } from './body-copy.ts';
import { isForwardedAnswerHeader } from './forwarded-headers.ts';
import { whenBodyStalls } from './stalled-body.ts';
import { Upstreams } from './upstreams.ts';

export type ServiceProxy = {
  /**
   * Streams a request to the service and its answer back, touching neither body. What never reached a process of the
   * service is sent to another, and so is what a process lost before it answered, when repeating does no harm.
   * Resolves when the answer is through or the client has gone.
   * @throws {HttpError} 408, 502 or 504, only while nothing was answered yet
   */
  forward(request: IncomingMessage, response: ServerResponse, as: ForwardedAs): Promise<void>;
  close(): void;
};

/** What the service sees: the target (path and query, as they are) and every header. */
export type ForwardedAs = {
  target: string;
  headers: IncomingHttpHeaders;
  /** Whether the route says that repeating does no harm, whatever the method. */
  repeatable: boolean;
};

export type ProxyOptions = {
  serviceUrls: readonly string[];
  timeoutMs: number;
  connectTimeoutMs: number;
  /** How long a body may stop in the middle. */
  bodyIdleMs: number;
};

/** Methods whose body http-proxy passes on in chunks; for the others it would lose where the body ends. */
const MAY_BE_CHUNKED = new Set(['POST', 'PUT', 'PATCH']);

/** Methods that may be repeated whatever became of the first attempt. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The longest body the service takes; a longer one is sent once. */
const MAX_REPEATED_BYTES = 512 * 1_024;

type Failure = Error & { code?: string; syscall?: string };

/** One try at a request, and what its connection had received before it. */
type Attempt = { upstream: ClientRequest; bytesReadBefore: number };

export function createProxy(options: ProxyOptions): ServiceProxy {
  const upstreams = new Upstreams(options.serviceUrls);
  const agents = new Agents(options.serviceUrls[0] ?? '');
  const attempts = new WeakMap<IncomingMessage, Attempt>();
  const timedOut = new WeakSet<IncomingMessage>();
  /** Whose body stopped in the middle. */
  const stalled = new WeakSet<IncomingMessage>();
  const proxy = createProxyServer<typeof IncomingMessage, typeof ServerResponse>({
    changeOrigin: true,
    // The target as we wrote it, not as a URL parser would spell it.
    toProxy: true,
    selfHandleResponse: true,
    proxyTimeout: options.timeoutMs,
    connectTimeout: options.connectTimeoutMs,
  });
  proxy.on('proxyReq', (upstream, request, _response, _options, socket) => {
    attempts.set(request, { upstream, bytesReadBefore: socket.bytesRead });
    upstream.once('timeout', () => timedOut.add(request));
  });
  proxy.on('proxyRes', (answer, _request, response) => passAnswerOn(answer, response));

  /** @returns undefined when the answer is through or the client has gone, else why nothing was answered */
  function attempt(
    request: IncomingMessage,
    response: ServerResponse,
    to: { target: string; agent: http.Agent; buffer?: Readable },
  ): Promise<Failure | undefined> {
    return new Promise((resolve) => {
      response.once('close', () => resolve(undefined));
      proxy.web(request, response, to, (error) => {
        // Once the answer has begun it can only be cut short, which `passAnswerOn` does.
        if (!response.headersSent) resolve(error);
      });
    });
  }

  /** Whether the service cannot have acted on the request, or acting twice would do no harm. */
  function mayRepeat(request: IncomingMessage, repeatable: boolean, failure: Failure): boolean {
    if (timedOut.has(request) || stalled.has(request)) return false;
    if (neverConnected(failure)) return true;
    const last = attempts.get(request);
    if (last === undefined || last.upstream.socket?.bytesRead !== last.bytesReadBefore) return false;
    if (SAFE_METHODS.has(request.method ?? '')) return true;
    // The service closes idle connections when it stops: one may be closed just as we use it again. A new one proves
    // nothing: the kernel resets those that were waiting to be accepted, a process that dies those it had in hand.
    return CLOSED.has(failure.code ?? '') && (repeatable || last.upstream.reusedSocket);
  }

  /** Asks one process after the other. @returns as {@link attempt} */
  async function ask(
    request: IncomingMessage,
    response: ServerResponse,
    repeatable: boolean,
    body: BodyCopy,
  ): Promise<Failure | undefined> {
    const [first = '', ...others] = upstreams.inTurn();
    let failure = await attempt(request, response, { target: first, agent: agents.pooled });
    if (failure && neverConnected(failure)) upstreams.failed(first);
    // On new connections, which nobody can have closed meanwhile; the first one last, should it be the only one.
    const further = failure && connectTimedOut(failure) ? others : [...others, first];
    for (const target of further) {
      if (failure === undefined || !mayRepeat(request, repeatable, failure)) break;
      const buffer = await body.fromStart();
      if (buffer === undefined) break;
      // http-proxy listens to both again for each attempt.
      request.setMaxListeners(0);
      response.setMaxListeners(0);
      failure = await attempt(request, response, { target, agent: agents.fresh, buffer });
      if (failure && neverConnected(failure)) upstreams.failed(target);
    }
    return failure;
  }

  return {
    async forward(request, response, as) {
      if (request.headers['transfer-encoding'] !== undefined && !MAY_BE_CHUNKED.has(request.method ?? '')) {
        throw new HttpError(411, 'length_required', 'Send this request with a Content-Length, not in chunks');
      }
      request.url = as.target;
      request.headers = as.headers;
      const body = new BodyCopy(request, MAX_REPEATED_BYTES);
      const stopWatching = whenBodyStalls(request, options.bodyIdleMs, () => {
        stalled.add(request);
        body.giveUp();
        if (!response.headersSent)
          attempts.get(request)?.upstream.destroy(new Error('The body stopped coming'));
      });
      const failure = await ask(request, response, as.repeatable, body).finally(() => {
        stopWatching();
        body.drop();
      });
      if (failure) throw stalled.has(request) ? tooSlow() : httpErrorOf(failure, timedOut.has(request));
    },
    close: () => agents.close(),
  };
}

const CLOSED = new Set(['ECONNRESET', 'EPIPE']);

/** Nothing of the request has left us. */
function neverConnected(failure: Failure): boolean {
  return failure.syscall === 'connect' || failure.syscall === 'getaddrinfo' || connectTimedOut(failure);
}

/** Nobody took the connection, and nobody refused it: asking once more would take as long again. */
function connectTimedOut({ code, syscall }: Failure): boolean {
  return code === 'ECONNECT_TIMEOUT' || (code === 'ETIMEDOUT' && syscall === 'connect');
}

class Agents {
  /** Keeps connections for the next request. */
  readonly pooled: http.Agent;
  /** Opens a connection for each request. */
  readonly fresh: http.Agent;

  constructor(serviceUrl: string) {
    const { Agent } = serviceUrl.startsWith('https:') ? https : http;
    this.pooled = new Agent({ keepAlive: true, maxFreeSockets: 64 });
    this.fresh = new Agent({ keepAlive: false });
  }

  close(): void {
    this.pooled.destroy();
    this.fresh.destroy();
  }
}

/** A half-sent answer ends in a broken connection, so that nobody takes it for a whole one. */
function passAnswerOn(answer: IncomingMessage, response: ServerResponse): void {
  response.statusCode = answer.statusCode ?? 502;
  response.statusMessage = answer.statusMessage ?? '';
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value === undefined || !isForwardedAnswerHeader(name, answer.headers)) continue;
    // Ours says `Origin`; without it a cache would give one site's answer to another.
    if (name === 'vary') response.appendHeader(name, value);
    else response.setHeader(name, value);
  }
  pipeline(answer, response, () => {});
}

/** The last answer of its connection: on a body that is not read to its end no further request can follow. */
function tooSlow(): HttpError {
  return new HttpError(408, 'body_too_slow', 'The body did not come in time: send the request again', {
    headers: { connection: 'close' },
  });
}

function httpErrorOf(cause: Failure, timedOut: boolean): HttpError {
  if (timedOut || connectTimedOut(cause) || cause.code === 'ETIMEDOUT') {
    return new HttpError(
      504,
      'service_timeout',
      'The payment service did not answer in time: check whether it took effect, then try again',
      { cause },
    );
  }
  return new HttpError(
    502,
    'service_unreachable',
    'The payment service cannot be reached: try again in a few seconds',
    { cause, headers: { 'retry-after': '5' } },
  );
}
