import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { freePort } from '../../rig/ports.ts';
import { useGateways } from '../gateway/support/gateways.ts';
import { ask, FakeService } from '../gateway/support/http.ts';

const WEBHOOK = '/api/stripe/webhook';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

describe('A gateway before several processes of the service', () => {
  const startGateway = useGateways();
  const services: FakeService[] = [];
  const servers: Server[] = [];
  const undone: (() => unknown)[] = [];
  afterEach(async () => {
    await Promise.all(services.splice(0).map((service) => service.stop()));
    for (const server of servers.splice(0)) server.close();
    for (const undo of undone.splice(0)) await undo();
  });

  async function service(): Promise<FakeService> {
    const started = await new FakeService().start();
    services.push(started);
    return started;
  }

  /** A service that treats each request on a connection as told. @param treat gets the number of the request */
  async function rawService(treat: (socket: Socket, request: number) => void) {
    const heard: string[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        heard.push(bytes.toString());
        treat(socket, heard.length);
      });
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return { heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  }

  /** Where no connection comes about and none is refused, as where a machine has vanished: its queue is full. */
  async function vanishedService(): Promise<string> {
    const thread = new Worker(
      `const server = require('node:net').createServer();
       server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
         require('node:worker_threads').parentPort.postMessage(server.address().port);
         Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
       });`,
      { eval: true },
    );
    undone.push(() => thread.terminate());
    const [port] = (await once(thread, 'message')) as [number];
    for (let connected = true; connected; ) {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      undone.push(() => socket.destroy());
      const signal = AbortSignal.timeout(200);
      connected = await once(socket, 'connect', { signal }).then(
        () => true,
        () => false,
      );
    }
    return `http://127.0.0.1:${port}`;
  }

  const post = (port: number, body: string | Buffer, headers = {}) =>
    ask(port, WEBHOOK, { method: 'POST', body, headers });

  it('shares the requests between them', async () => {
    const [left, right] = [await service(), await service()];
    const { port } = await startGateway({ serviceUrl: `${left.url},${right.url}` });
    for (let index = 0; index < 6; index += 1) await post(port, '{}');
    expect([left.received.length, right.received.length]).to.deep.equal([3, 3]);
  });

  it('sends what one does not take to another, byte for byte', async () => {
    const there = await service();
    const { port } = await startGateway({ serviceUrl: `http://127.0.0.1:${await freePort()},${there.url}` });
    const body = randomBytes(300_000);
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      for (let index = 0; index < 2; index += 1) {
        expect((await post(port, body, headers)).status).to.equal(200);
      }
    }
    expect(there.received).to.have.length(4);
    for (const received of there.received) expect(received.body.equals(body)).to.equal(true);
  });

  it('sends it to another as well when one has vanished, and spares that one for a while', async () => {
    const [vanished, there] = [await vanishedService(), await service()];
    const limits = { proxyConnectTimeoutMs: 300 };
    const { port } = await startGateway({ serviceUrl: `${vanished},${there.url}`, limits });
    const checkout = { method: 'POST', body: '{}' };
    const path = '/api/stripe/create-checkout-session';
    for (let index = 0; index < 3; index += 1) expect((await ask(port, path, checkout)).status).to.equal(200);
    expect(there.received).to.have.length(3);

    const alone = await startGateway({ serviceUrl: vanished, limits });
    expect((await ask(alone.port, path, checkout)).status).to.equal(504);
  });

  it('answers 502 when none takes it', async () => {
    const urls = `http://127.0.0.1:${await freePort()},http://127.0.0.1:${await freePort()}`;
    const { port } = await startGateway({ serviceUrl: urls });
    expect((await post(port, '{}')).status).to.equal(502);
  });

  it('repeats a POST whose kept connection is closed before anything was answered', async () => {
    const restarting = await rawService((socket, request) => {
      if (request === 2) socket.destroy();
      else socket.write(OK);
    });
    const { port } = await startGateway({ serviceUrl: restarting.url });
    expect((await post(port, '{"first":1}')).status).to.equal(200);
    expect((await post(port, '{"second":2}')).status).to.equal(200);
    expect(restarting.heard).to.have.length(3);
    expect(restarting.heard[2]).to.match(/\r\n\r\n\{"second":2\}$/);
  });

  it('repeats no POST that a new connection took, for it may have had its effect', async () => {
    const crashing = await rawService((socket) => socket.destroy());
    const { port } = await startGateway({ serviceUrl: crashing.url });
    const checkout = { method: 'POST', body: '{}' };
    expect((await ask(port, '/api/stripe/create-checkout-session', checkout)).status).to.equal(502);
    expect(crashing.heard).to.have.length(1);
  });

  it('repeats no POST whose answer has begun', async () => {
    const crashing = await rawService((socket, request) => {
      if (request === 1) socket.write(OK);
      else socket.end('HTTP/1.1 200');
    });
    const { port } = await startGateway({ serviceUrl: crashing.url });
    await post(port, '{}');
    expect((await post(port, '{}')).status).to.equal(502);
    expect(crashing.heard).to.have.length(2);
  });

  it('repeats a GET that was not answered, whatever happened', async () => {
    const crashing = await rawService((socket) => socket.destroy());
    const there = await service();
    const { port } = await startGateway({ serviceUrl: `${crashing.url},${there.url}` });
    expect((await ask(port, '/api/paiements/health')).status).to.equal(200);
    expect([crashing.heard.length, there.received.length]).to.deep.equal([1, 1]);
  });

  it('repeats nothing that took too long', async () => {
    const [slow, other] = [await service(), await service()];
    slow.respond = () => undefined;
    const { port } = await startGateway({
      serviceUrl: `${slow.url},${other.url}`,
      limits: { proxyTimeoutMs: 100 },
    });
    expect((await ask(port, '/api/paiements/health')).status).to.equal(504);
    expect(other.received).to.deep.equal([]);
  });
});
