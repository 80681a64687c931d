import { once } from 'node:events';
import http, { type IncomingHttpHeaders, type OutgoingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer; json: () => unknown };

export type Ask = {
  method?: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer;
};

/** Sends a request whose path goes out exactly as written: no client library tidies up `//` or `..`. */
export async function ask(
  port: number,
  path: string,
  { method = 'GET', headers, body }: Ask = {},
): Promise<Answer> {
  const request = http.request({
    host: '127.0.0.1',
    port,
    method,
    path,
    headers: { ...headers },
    agent: false,
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const bytes = await readAll(response);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: bytes,
    json: () => JSON.parse(bytes.toString()),
  };
}

export async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export type Received = { method: string; url: string; headers: IncomingHttpHeaders; body: Buffer };

/** Stands in for the payment service: remembers what reached it and answers as told. */
export class FakeService {
  readonly received: Received[] = [];
  /** What it answers; the default echoes nothing but success. */
  respond: RequestListener = (_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('{"success":true,"data":{}}');
  };
  readonly #server = http.createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    const body = await readAll(request).catch(() => Buffer.from('cut short'));
    this.received.push({ method, url, headers: { ...headers }, body });
    this.respond(request, response);
  });

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The one request that reached it. */
  get only(): Received {
    const [request, ...others] = this.received;
    if (!request || others.length > 0) {
      throw new Error(`expected one request, got ${JSON.stringify(this.received.map(({ url }) => url))}`);
    }
    return request;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
