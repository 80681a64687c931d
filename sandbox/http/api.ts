import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiRoutes } from '../resources/index.ts';
import type { World } from '../world.ts';
import { ApiError } from './errors.ts';
import { expand } from './expand.ts';
import type { Fault, Faults } from './faults.ts';
import { type FormHash, parseForm } from './form.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { embedded } from './lists.ts';
import { Router } from './router.ts';

interface Answer {
  status: number;
  body: string;
  headers: Record<string, string>;
}

/** Serves /v1 as Stripe does: key, idempotency, parameters, handler, expansion. */
export class Api {
  #world: World;
  #faults: Faults;
  #router = new Router(apiRoutes);
  #keys = new IdempotencyKeys();

  constructor(world: World, faults: Faults) {
    this.#world = world;
    this.#faults = faults;
  }

  clear(): void {
    this.#keys.clear();
  }

  /** @param url path and query as requested */
  async serve(request: IncomingMessage, response: ServerResponse, url: URL, body: string): Promise<void> {
    const method = request.method ?? 'GET';
    const requestId = this.#world.ids.next('req');
    const fault = this.#faults.take(method, url.pathname);
    if (fault && !fault.afterEffect && fault.kind !== 'delay') {
      this.#misbehave(request, response, fault, requestId);
      return;
    }
    const answer = await this.#answer(request, url, body, requestId, fault);
    if (fault?.afterEffect) this.#misbehave(request, response, fault, requestId);
    else this.#send(request, response, answer, requestId);
  }

  async #answer(
    request: IncomingMessage,
    url: URL,
    body: string,
    requestId: string,
    fault: Fault | null,
  ): Promise<Answer> {
    const apiKey = keyOf(request);
    const idempotencyKey = request.method === 'POST' ? header(request, 'idempotency-key') : undefined;
    // Stripe keeps the keys of different accounts apart.
    const entry = idempotencyKey && `${apiKey} ${idempotencyKey}`;
    try {
      checkKey(apiKey);
      if (entry) {
        const fingerprint = `${url.pathname} ${url.search} ${body}`;
        const stored = this.#keys.begin(entry, fingerprint, this.#world.clock.now);
        if (stored)
          return { ...stored, headers: { 'Idempotent-Replayed': 'true', 'Original-Request': requestId } };
      }
      if (fault?.kind === 'delay') await sleep(fault.delayMs ?? 1_000);
    } catch (error) {
      return errorAnswer(error);
    }
    const answer = this.#run(request.method ?? 'GET', url, body, requestId, idempotencyKey);
    if (entry) this.#keys.finish(entry, answer);
    return answer;
  }

  #run(
    method: string,
    url: URL,
    body: string,
    requestId: string,
    idempotencyKey: string | undefined,
  ): Answer {
    try {
      const match = this.#router.match(method, url.pathname);
      if (!match) throw ApiError.unknownRoute(method, url.pathname);
      const form = parseForm(method === 'GET' ? url.search.slice(1) : body || url.search.slice(1));
      const paths = takeExpand(form);
      if (method !== 'GET') this.#world.request = { id: requestId, idempotency_key: idempotencyKey ?? null };
      const result = match.route.handle({ world: this.#world, id: match.id }, form);
      return { status: 200, body: JSON.stringify(expand(this.#world, result, paths), embedded), headers: {} };
    } catch (error) {
      return errorAnswer(error);
    } finally {
      this.#world.request = null;
    }
  }

  #send(request: IncomingMessage, response: ServerResponse, answer: Answer, requestId: string): void {
    const idempotencyKey = header(request, 'idempotency-key');
    response.writeHead(answer.status, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(answer.body),
      'Cache-Control': 'no-cache, no-store',
      'Request-Id': requestId,
      'Stripe-Version': header(request, 'stripe-version') ?? this.#world.config.apiVersion,
      Date: new Date(this.#world.clock.now * 1000).toUTCString(),
      ...(idempotencyKey && { 'Idempotency-Key': idempotencyKey }),
      ...answer.headers,
    });
    response.end(answer.body);
  }

  #misbehave(request: IncomingMessage, response: ServerResponse, fault: Fault, requestId: string): void {
    switch (fault.kind) {
      case 'hang':
      case 'delay':
        return;
      case 'reset':
        request.socket.resetAndDestroy();
        return;
      case 'rate_limit':
        this.#send(
          request,
          response,
          errorAnswer(ApiError.rateLimited(fault.retryAfterSeconds ?? 1)),
          requestId,
        );
        return;
      case 'error':
        this.#send(request, response, errorAnswer(injected(fault, request.url ?? '')), requestId);
    }
  }
}

/** A planned 404 is Stripe's own for an object that is not there (yet). */
function injected({ status = 500, error }: Fault, url: string): ApiError {
  const [, , noun = 'object', id = ''] = url.split('?', 1)[0]?.split('/') ?? [];
  return status === 404 && !error
    ? ApiError.noSuch(noun.replace(/s$/, ''), id)
    : ApiError.internal(status, error);
}

/** Any error as an answer; what is no ApiError is a bug here, and says so as Stripe would say of its own. */
export function errorAnswer(error: unknown): Answer {
  if (error instanceof ApiError) {
    return { status: error.status, body: JSON.stringify({ error: error.body }), headers: error.headers };
  }
  console.error('sandbox: a request failed inside the sandbox itself:', error);
  const message = `The sandbox itself failed: ${error instanceof Error ? error.message : String(error)}`;
  return { status: 500, body: JSON.stringify({ error: { type: 'api_error', message } }), headers: {} };
}

function takeExpand(form: FormHash): string[] {
  const given = form.expand;
  delete form.expand;
  const list = given === undefined ? [] : Array.isArray(given) ? given : [given];
  return list.filter((path) => typeof path === 'string');
}

function keyOf(request: IncomingMessage): string {
  const authorization = header(request, 'authorization') ?? '';
  const [scheme, value = ''] = authorization.split(' ');
  if (scheme === 'Bearer') return value;
  // Stripe also takes the key as the user name of basic authentication, as curl -u sends it.
  return scheme === 'Basic' ? (Buffer.from(value, 'base64').toString().split(':')[0] ?? '') : '';
}

function checkKey(key: string): void {
  if (!key) {
    throw ApiError.unauthorized(
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
    );
  }
  if (!/^(sk|rk)_test_/.test(key)) {
    throw ApiError.unauthorized(
      `Invalid API Key provided: ${key.slice(0, 8)}***. The sandbox takes any key that begins with sk_test_ or rk_test_.`,
    );
  }
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
