import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { poll } from '../../rig/poll.ts';
import { bodiesInHand } from '../../src/shared/http/body-budget.ts';
import { RawClient } from '../support/raw-client.ts';
import { Browser } from './support/browser.ts';
import { useGateways } from './support/gateways.ts';
import { ask, FakeService } from './support/http.ts';
import { loginToken, someUser } from './support/tokens.ts';

const MIB = 1_024 * 1_024;

describe('At the gateway, a client', () => {
  const startGateway = useGateways();
  let service: FakeService;
  beforeEach(async () => {
    service = await new FakeService().start();
  });
  afterEach(() => service.stop());

  const post = (port: number, headers: Record<string, string | number>) =>
    new RawClient(port).post('/api/stripe/webhook', headers);

  it('that never finishes its headers is cut off when it is meant to be', async () => {
    const { port } = await startGateway({ limits: { headersTimeoutMs: 300 } });
    const startedAt = performance.now();
    const client = new RawClient(port).write('GET /api/paiements/health HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    await client.closed;
    // Node itself would look after thirty seconds.
    expect(performance.now() - startedAt).to.be.within(290, 5_000);
  });

  it('that never finishes its body is cut off when it is meant to be, however steadily it sends', async () => {
    const { port } = await startGateway({
      serviceUrl: service.url,
      limits: { headersTimeoutMs: 500, requestTimeoutMs: 500 },
    });
    const startedAt = performance.now();
    const client = post(port, { 'content-length': 1_000 });
    const dripping = setInterval(() => client.write('x'), 50);
    await client.closed;
    clearInterval(dripping);
    expect(performance.now() - startedAt).to.be.within(490, 5_000);
  });

  for (const [framing, headers, beginning] of [
    ['a length', { 'content-length': 1_000 }, '{"id"'],
    ['chunks', { 'transfer-encoding': 'chunked' }, '5\r\n{"id"\r\n'],
  ] as const) {
    it(`whose body in ${framing} stops coming is answered 408`, async () => {
      const { port } = await startGateway({ serviceUrl: service.url, limits: { bodyIdleMs: 200 } });
      const client = post(port, headers).write(beginning);
      expect(await client.wholeAnswer())
        .to.match(/^HTTP\/1\.1 408 /)
        .and.to.include('"code":"body_too_slow"');
      await client.closed;
      const heard = await poll(async () => service.received[0], { everyMs: 20, timeoutMs: 5_000 });
      expect(heard?.body.toString(), 'the service is not left waiting').to.equal('cut short');
    });
  }

  it('whose body stops coming while no process of the service can be reached is answered 408', async () => {
    const { port } = await startGateway({ limits: { bodyIdleMs: 200 } });
    const client = post(port, { 'content-length': 1_000 }).write('{"id"');
    expect(await client.status()).to.equal(408);
    await client.closed;
  });

  it('is not blamed when it is the service that takes no more for a while', async function () {
    this.timeout(20_000);
    let accepted: (socket: Socket) => void = () => undefined;
    const accepting = new Promise<Socket>((resolve) => {
      accepted = resolve;
    });
    const busy = createServer({ pauseOnConnect: true }, (socket) => accepted(socket)).listen(0, '127.0.0.1');
    await once(busy, 'listening');
    const { port } = await startGateway({
      serviceUrl: `http://127.0.0.1:${(busy.address() as AddressInfo).port}`,
      limits: { bodyIdleMs: 100 },
    });
    // More than all buffers on the way.
    const answering = ask(port, '/api/stripe/webhook', { method: 'POST', body: Buffer.alloc(32 * MIB) });
    const socket = await accepting;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes > 32 * MIB) socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}');
    });
    socket.resume();
    expect((await answering).status).to.equal(200);
    busy.close();
  });

  it('that sends endless bodies with others fills no memory: copies give way', async function () {
    this.timeout(60_000);
    const { port } = await startGateway({ serviceUrl: service.url, limits: { bodyIdleMs: 20_000 } });
    let most = 0;
    const watching = setInterval(() => {
      most = Math.max(most, bodiesInHand.bytes);
    }, 5);
    const before = bodiesInHand.refused;
    const clients = Array.from({ length: 200 }, () =>
      post(port, { 'content-length': 512 * 1_024 }).write(Buffer.alloc(500 * 1_024, 120)),
    );
    try {
      const refused = await poll(async () => (bodiesInHand.refused > before ? true : undefined), {
        everyMs: 20,
        timeoutMs: 30_000,
      });
      expect(refused).to.equal(true);
      const answer = await ask(port, '/api/stripe/webhook', { method: 'POST', body: '{}' });
      expect(answer.status).to.equal(200);
      expect(most).to.be.within(32 * MIB, 64 * MIB);
    } finally {
      clearInterval(watching);
      for (const client of clients) client.socket.destroy();
    }
    const freed = await poll(async () => (bodiesInHand.bytes === 0 ? true : undefined), {
      everyMs: 20,
      timeoutMs: 10_000,
    });
    expect(freed, 'nothing is kept afterwards').to.equal(true);
  });

  it('finds no room when all connections are taken, WebSockets included', async () => {
    const { port } = await startGateway({ limits: { maxConnections: 2 } });
    const first = await Browser.open(port, loginToken(someUser()));
    await Browser.open(port, loginToken(someUser()));
    const third = connect(port, '127.0.0.1');
    third.on('error', () => undefined);
    await once(third, 'close');
    first.socket.close();
    await first.closed;
    await Browser.open(port, loginToken(someUser()));
  });

  it('that sends requests without waiting for answers is cut off', async () => {
    const { port } = await startGateway({ serviceUrl: service.url });
    service.respond = () => undefined;
    const client = new RawClient(port);
    client.write('GET /api/paiements/health HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1_000));
    await client.closed;
    expect(service.received.length).to.be.at.most(16);
  });
});
