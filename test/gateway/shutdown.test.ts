import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { expect } from 'chai';
import { pino } from 'pino';
import { createGateway, readGatewayConfig } from '../../src/gateway/index.ts';
import { Browser } from './support/browser.ts';
import { gatewayEnvironment, useGateways } from './support/gateways.ts';
import { ask, FakeService } from './support/http.ts';
import { sharedRedisUrl } from './support/redis.ts';
import { loginToken, someUser } from './support/tokens.ts';

describe('A gateway that stops', () => {
  const startGateway = useGateways();
  let service: FakeService;
  beforeEach(async () => {
    service = await new FakeService().start();
  });
  afterEach(() => service.stop());

  it('says goodbye to its sockets with 1001', async () => {
    const gateway = await startGateway();
    const tabs = [
      await Browser.open(gateway.port, loginToken(someUser())),
      await Browser.open(gateway.port, loginToken(someUser())),
    ];
    await gateway.close();
    expect(await Promise.all(tabs.map((tab) => tab.closed))).to.deep.equal([1001, 1001]);
  });

  it('finishes the request in hand on a connection that is kept alive, and accepts no other', async () => {
    const gateway = await startGateway({ serviceUrl: service.url, limits: { drainMs: 60_000 } });
    let answerNow = (): void => {};
    const arrived = new Promise<void>((resolve) => {
      service.respond = (_request, response) => {
        answerNow = () => response.end('{"received":true}');
        resolve();
      };
    });
    const agent = new http.Agent({ keepAlive: true });
    const request = http.request({
      host: '127.0.0.1',
      port: gateway.port,
      path: '/api/stripe/webhook',
      method: 'POST',
      agent,
    });
    request.end('{}');
    await arrived;

    const closed = gateway.close();
    answerNow();
    const [response] = await once(request, 'response');
    expect(response.statusCode).to.equal(200);
    response.resume();
    await closed;
    agent.destroy();
    const refused = await ask(gateway.port, '/api/paiements/health').catch((error) => error.code);
    expect(refused).to.equal('ECONNREFUSED');
  });

  it('waits for no connection that nothing happens on', async () => {
    const gateway = await startGateway({ serviceUrl: service.url, limits: { drainMs: 60_000 } });
    const agent = new http.Agent({ keepAlive: true });
    const request = http.get({ host: '127.0.0.1', port: gateway.port, path: '/api/paiements/health', agent });
    const [response] = await once(request, 'response');
    await once(response.resume(), 'end');
    await gateway.close();
    agent.destroy();
  });

  it('cuts off what does not come to an end', async () => {
    const gateway = await startGateway({
      serviceUrl: service.url,
      limits: { drainMs: 100, socketGoodbyeMs: 50 },
    });
    const arrived = new Promise<void>((resolve) => {
      service.respond = () => resolve();
    });
    const hanging = ask(gateway.port, '/api/stripe/webhook', { method: 'POST', body: '{}' }).catch(
      (error) => error.code,
    );
    await arrived;
    const silent = connect(gateway.port, '127.0.0.1');
    await once(silent, 'connect');
    const tab = await Browser.open(gateway.port, loginToken(someUser()));
    tab.socket.pause();
    await gateway.close();
    expect(await hanging).to.equal('ECONNRESET');
    tab.socket.resume();
    expect(await tab.closed).to.be.oneOf([1001, 1006]);
    silent.destroy();
  });

  it('opens no WebSocket any more', async () => {
    const gateway = await startGateway({ serviceUrl: service.url, limits: { drainMs: 300 } });
    // An upgrade that came in over a connection which was open before the stop.
    const socket = connect(gateway.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /ws HTTP/1.1\r\nhost: x\r\n');
    const closed = gateway.close();
    socket.write(
      `authorization: Bearer ${loginToken(someUser())}\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
        'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {});
    await Promise.all([closed, once(socket, 'close')]);
    expect(Buffer.concat(chunks).toString()).not.to.contain('101 Switching');
  });

  it('may be told so twice', async () => {
    const gateway = await startGateway();
    await Promise.all([gateway.close(), gateway.close()]);
    await gateway.close();
  });

  it('may be told so before it listened, and then never does', async () => {
    const config = readGatewayConfig(gatewayEnvironment(sharedRedisUrl(), service.url));
    const gateway = createGateway({ config, logger: pino({ level: 'silent' }), limits: { startWaitMs: 10 } });
    const listening = gateway.listen().catch((error: Error) => error.message);
    await gateway.close();
    expect(await listening).to.equal('The gateway was closed before it listened');
    expect(gateway.server.listening).to.equal(false);
  });
});
