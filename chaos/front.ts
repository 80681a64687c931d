import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A balancer in front of several processes of one kind. Each connection goes to the next one that takes it, so that
 * one may die while the others serve. It can also refuse by itself, as a process that is up but ill does.
 */
export class Front {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #server: Server;
  readonly #ports: number[] = [];
  readonly #clients = new Set<Socket>();
  #turn = 0;
  #refusal: number | undefined;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on('connection', (client) => this.#accept(client));
  }

  static async open(): Promise<Front> {
    const server = createServer({ allowHalfOpen: false }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('A TCP server has no port');
    return new Front(server, address.port);
  }

  get url(): string {
    return `http://${this.host}:${this.port}`;
  }

  /** Lets connections go to one more process. */
  serve(port: number): void {
    this.#ports.push(port);
  }

  /** Answers every request with this status until {@link heal}. Connections that are open end. */
  refuseWith(status: number): void {
    this.#refusal = status;
    for (const client of this.#clients) client.destroy();
  }

  heal(): void {
    this.#refusal = undefined;
  }

  #accept(client: Socket): void {
    this.#clients.add(client);
    client.setNoDelay(true);
    client.on('error', () => undefined);
    client.once('close', () => this.#clients.delete(client));
    if (this.#refusal === undefined) this.#connect(client, this.#ports.length);
    else this.#refuse(client, this.#refusal);
  }

  #refuse(client: Socket, status: number): void {
    client.once('data', () =>
      client.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`),
    );
  }

  #connect(client: Socket, triesLeft: number): void {
    const port = this.#ports[this.#turn++ % this.#ports.length];
    if (triesLeft === 0 || port === undefined) {
      client.resetAndDestroy();
      return;
    }
    const target = connect(port, this.host);
    target.setNoDelay(true);
    target.once('error', () => {
      if (target.connecting || target.bytesRead + target.bytesWritten === 0)
        this.#connect(client, triesLeft - 1);
      else client.destroy();
    });
    target.once('connect', () => {
      client.pipe(target).pipe(client);
      client.once('close', () => target.destroy());
      target.once('close', () => client.destroy());
    });
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const client of this.#clients) client.destroy();
    await once(this.#server, 'close');
  }
}
