import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { pipeline } from 'node:stream';
import { createProxyServer } from 'http-proxy-3';
import { HttpError } from '../shared/errors.ts';
import { isForwardedAnswerHeader } from './forwarded-headers.ts';

export type ServiceProxy = {
  /**
   * Streams a request to the service and its answer back, touching neither body.
   * Resolves when the answer is through or the client has gone.
   * @throws {HttpError} 502 or 504, only while nothing was answered yet
   */
  forward(request: IncomingMessage, response: ServerResponse, as: ForwardedAs): Promise<void>;
  close(): void;
};

/** What the service sees: the target (path and query, as they are) and every header. */
export type ForwardedAs = { target: string; headers: IncomingHttpHeaders };

export type ProxyOptions = { serviceUrl: string; timeoutMs: number; connectTimeoutMs: number };

/** Methods whose body http-proxy passes on in chunks; for the others it would lose where the body ends. */
const MAY_BE_CHUNKED = new Set(['POST', 'PUT', 'PATCH']);

export function createProxy(options: ProxyOptions): ServiceProxy {
  const agent = createAgent(options.serviceUrl);
  const timedOut = new WeakSet<IncomingMessage>();
  const proxy = createProxyServer<typeof IncomingMessage, typeof ServerResponse>({
    target: options.serviceUrl,
    agent,
    changeOrigin: true,
    // The target as we wrote it, not as a URL parser would spell it.
    toProxy: true,
    selfHandleResponse: true,
    proxyTimeout: options.timeoutMs,
    connectTimeout: options.connectTimeoutMs,
  });
  proxy.on('proxyReq', (upstream, request) => {
    upstream.once('timeout', () => timedOut.add(request));
  });
  proxy.on('proxyRes', (answer, _request, response) => passAnswerOn(answer, response));

  return {
    forward(request, response, as) {
      if (request.headers['transfer-encoding'] !== undefined && !MAY_BE_CHUNKED.has(request.method ?? '')) {
        throw new HttpError(411, 'length_required', 'Send this request with a Content-Length, not in chunks');
      }
      request.url = as.target;
      request.headers = as.headers;
      return new Promise((resolve, reject) => {
        response.once('close', resolve);
        proxy.web(request, response, {}, (error) => {
          // Once the answer has begun it can only be cut short, which `passAnswerOn` does.
          if (!response.headersSent) reject(failureOf(error, timedOut.has(request)));
        });
      });
    },
    close: () => agent.destroy(),
  };
}

function createAgent(serviceUrl: string): http.Agent {
  const options = { keepAlive: true, maxFreeSockets: 64 };
  return serviceUrl.startsWith('https:') ? new https.Agent(options) : new http.Agent(options);
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

function failureOf(cause: Error & { code?: string }, timedOut: boolean): HttpError {
  if (timedOut || cause.code === 'ECONNECT_TIMEOUT' || cause.code === 'ETIMEDOUT') {
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
