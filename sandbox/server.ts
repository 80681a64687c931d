import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { requireOwnCaller } from './control/callers.ts';
import { controlActions } from './control/routes.ts';
import type { Deliveries } from './deliveries/deliveries.ts';
import { type Api, errorAnswer } from './http/api.ts';
import { ApiError } from './http/errors.ts';
import { servePage } from './pages/index.ts';
import type { Sandbox } from './sandbox.ts';
import type { World } from './world.ts';

const MAX_BODY_BYTES = 1_000_000;

/** The one HTTP server: Stripe's API, the control API and the hosted pages. */
export function createServer(
  world: World,
  api: Api,
  deliveries: Deliveries,
  sandbox: () => Sandbox | null,
): http.Server {
  return http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    serve(request, response).catch((error: unknown) => answerJson(response, error));
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://sandbox');
    const body = await readBody(request);
    if (url.pathname.startsWith('/v1/')) return api.serve(request, response, url, body);
    if (url.pathname.startsWith('/_sandbox/')) return control(request, response, url, body);
    return servePage({ world, deliveries, request, response, url, body });
  }

  async function control(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    body: string,
  ): Promise<void> {
    requireOwnCaller(request, world.config);
    const name = url.pathname.slice('/_sandbox/'.length);
    const running = sandbox();
    if (name === 'health' || !running) {
      sendJson(response, running ? 200 : 503, { status: running ? 'ok' : 'starting', now: world.clock.now });
      return;
    }
    const run = Object.hasOwn(controlActions, name) ? controlActions[name] : undefined;
    if (!run)
      throw new ApiError(404, {
        type: 'invalid_request_error',
        message: `No control action '${name}'. See sandbox/README.md.`,
      });
    if (request.method !== 'POST' && !['summary', 'deliveries'].includes(name)) {
      throw new ApiError(405, { type: 'invalid_request_error', message: `Use POST for ${name}.` });
    }
    sendJson(response, 200, (await run(running, readJson(body))) ?? {});
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES)
      throw new ApiError(413, { type: 'invalid_request_error', message: 'Request too large.' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readJson(body: string): unknown {
  if (!body) return {};
  try {
    return JSON.parse(body);
  } catch {
    throw ApiError.invalid('The body of a control request must be JSON.');
  }
}

function answerJson(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const answer = errorAnswer(error);
  response.writeHead(answer.status, { 'Content-Type': 'application/json', ...answer.headers });
  response.end(answer.body);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(value));
}
