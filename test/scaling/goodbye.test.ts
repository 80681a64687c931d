import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { DEFAULT_LIMITS, WebServer } from '../../src/api/server.ts';

const LONG_MS = 10_000;

describe('A web process that stops', () => {
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  function serve(goodbyeMs: number): WebServer {
    const listener = (_request: unknown, response: ServerResponse) => void response.end('ok');
    return new WebServer(listener, { port: 0, host: '127.0.0.1' }, { ...DEFAULT_LIMITS, goodbyeMs });
  }

  async function open(port: number): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  async function ask(socket: Socket): Promise<string> {
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const [bytes] = await once(socket, 'data');
    return String(bytes);
  }

  it('answers the request that was on its way on a kept connection, as its last', async () => {
    const server = serve(LONG_MS);
    const socket = await open(await server.listen());
    expect(await ask(socket)).to.match(/connection: keep-alive/i);
    const closed = server.close();
    expect(await ask(socket)).to.match(/^HTTP\/1.1 200[\s\S]*connection: close/i);
    // Long before the goodbye is over: nobody else was connected.
    await closed;
  });

  it('takes no new connection', async () => {
    const server = serve(LONG_MS);
    const port = await server.listen();
    const kept = await open(port);
    const closed = server.close();
    const refused = connect(port, '127.0.0.1');
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).to.equal('ECONNREFUSED');
    kept.destroy();
    await closed;
  });

  it('waits for what it does for a client that has hung up, since the database is closed next', async () => {
    const { promise: work, resolve: finish } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const answer = async () => {
      begin();
      await work;
    };
    const server = new WebServer(answer, { port: 0, host: '127.0.0.1' }, { ...DEFAULT_LIMITS, goodbyeMs: 0 });
    const socket = await open(await server.listen());
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await begun;
    socket.destroy();
    let isClosed = false;
    const closed = server.close().then(() => {
      isClosed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(isClosed).to.equal(false);
    finish();
    await closed;
  });

  it('does not wait for a connection that nothing comes on longer than its goodbye', async () => {
    const server = serve(100);
    const socket = await open(await server.listen());
    await ask(socket);
    await Promise.all([server.close(), once(socket, 'close')]);
  });
});
