import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { Browser, refusedUpgrade } from './support/browser.ts';
import { askInternal, broadcast, useGateways } from './support/gateways.ts';
import { ask } from './support/http.ts';
import { sharedRedisUrl } from './support/redis.ts';
import { inSeconds, loginToken, someUser } from './support/tokens.ts';

describe('A WebSocket at the gateway', () => {
  const startGateway = useGateways();
  const urlOf = (port: number) => `ws://127.0.0.1:${port}/ws`;
  const bearer = (token = loginToken(someUser())) => ({ headers: { authorization: `Bearer ${token}` } });

  it('is refused with 401 before the upgrade without a valid login', async () => {
    const { port } = await startGateway();
    const expired = loginToken('42', { claims: { exp: inSeconds(-600) } });
    const forged = loginToken('42', { secret: 'some-other-secret-16' });
    for (const options of [{}, bearer(expired), bearer(forged), bearer('rubbish')]) {
      const { status, body } = await refusedUpgrade(urlOf(port), options);
      expect(status).to.equal(401);
      expect(body).to.include({ success: false, code: 'unauthorized' });
    }
  });

  it('is refused with 403 to a page of an origin that is not listed, and open to a listed one', async () => {
    const { port } = await startGateway();
    const { status, body } = await refusedUpgrade(urlOf(port), {
      ...bearer(),
      origin: 'https://evil.example',
    });
    expect([status, body.code]).to.deep.equal([403, 'origin_not_allowed']);
    const browser = new Browser(urlOf(port), { ...bearer(), origin: 'https://app.example' });
    expect((await browser.next()).type).to.equal('connection_ack');
  });

  it('is open to any origin when none are listed, for a login that the page itself has', async () => {
    const { port } = await startGateway({ env: { ALLOWED_ORIGINS: '' } });
    const browser = new Browser(urlOf(port), { ...bearer(), origin: 'https://anywhere.example' });
    expect((await browser.next()).type).to.equal('connection_ack');
  });

  for (const [list, origins] of [
    ['', 'none is listed'],
    ['https://app.example', 'some are listed'],
  ] as const) {
    it(`is not what a cookie opens for another site’s page when ${origins}`, async () => {
      const { port } = await startGateway({ env: { ALLOWED_ORIGINS: list } });
      const cookie = `access_token=${loginToken(someUser())}`;
      for (const origin of [
        'https://evil.test',
        'null',
        `http://127.0.0.1:${port}.evil.test`,
        'http://127.0.0.1',
      ]) {
        const { status, body } = await refusedUpgrade(urlOf(port), { headers: { cookie }, origin });
        expect([status, body.code], origin).to.deep.equal([403, 'origin_not_allowed']);
      }
      const lied = { cookie, 'sec-fetch-site': 'same-site' };
      const own = `http://127.0.0.1:${port}`;
      expect((await refusedUpgrade(urlOf(port), { headers: lied, origin: own })).status).to.equal(403);
      // The page that the very same host serves, and a program, which says nothing of pages.
      for (const origin of [own, undefined]) {
        const browser = new Browser(urlOf(port), { headers: { cookie }, origin });
        expect((await browser.next()).type).to.equal('connection_ack');
      }
    });
  }

  it('is found only at /ws', async () => {
    const { port } = await startGateway();
    const browser = new Browser(`${urlOf(port)}/`, bearer());
    expect((await browser.next()).type).to.equal('connection_ack');
    for (const path of ['/', '/wss', '/ws/x', '//ws', '/api/stripe/webhook']) {
      expect((await refusedUpgrade(`ws://127.0.0.1:${port}${path}`, bearer())).status, path).to.equal(404);
    }
    expect((await ask(port, '/ws')).status).to.equal(426);
  });

  it('treats a request with another Upgrade header as an ordinary one', async () => {
    const { port } = await startGateway();
    const answer = await ask(port, '/nowhere', {
      headers: { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c' },
    });
    expect(answer.status).to.equal(404);
  });

  it('answers ping, subscribe and unsubscribe', async () => {
    const { port } = await startGateway();
    const browser = await Browser.open(port, loginToken(someUser()));
    browser.say({ type: 'ping' });
    expect(await browser.nextText()).to.equal('{"type":"pong"}');
    browser.say({ type: 'subscribe', data: { channel: 'news' } });
    expect(await browser.next()).to.deep.equal({
      type: 'subscription_ack',
      data: { channel: 'news', status: 'subscribed' },
    });
    browser.say({ type: 'unsubscribe', data: { channel: 'news' } });
    expect(await browser.next()).to.deep.equal({
      type: 'unsubscription_ack',
      data: { channel: 'news', status: 'unsubscribed' },
    });
  });

  for (const frame of [
    'not json',
    '',
    'null',
    '[]',
    '42',
    '{}',
    '{"type":"ping"',
    '{"type":42}',
    '{"type":"connection_ack"}',
    '{"type":"subscribe"}',
    '{"type":"subscribe","data":{}}',
    '{"type":"subscribe","data":{"channel":""}}',
    '{"type":"subscribe","data":{"channel":42}}',
    '{"type":"subscribe","data":{"channel":"two words"}}',
    `{"type":"subscribe","data":{"channel":"${'x'.repeat(101)}"}}`,
    '{"type":"__proto__"}',
    '['.repeat(10_000),
  ]) {
    it(`answers an error frame to ${frame.slice(0, 50) || 'nothing at all'} and goes on`, async () => {
      const { port } = await startGateway();
      const browser = await Browser.open(port, loginToken(someUser()));
      browser.say(frame);
      const answer = await browser.next();
      expect(answer.type).to.equal('error');
      expect(answer.data).to.have.keys('code', 'message');
      browser.say({ type: 'ping' });
      expect((await browser.next()).type).to.equal('pong');
    });
  }

  it('answers an error frame to binary data', async () => {
    const { port } = await startGateway();
    const browser = await Browser.open(port, loginToken(someUser()));
    browser.socket.send(Buffer.from('{"type":"ping"}'));
    expect((await browser.next()).type).to.equal('error');
  });

  it('is closed after a frame that is too large, and only that one', async () => {
    const { port } = await startGateway();
    const user = someUser();
    const [greedy, modest] = [
      await Browser.open(port, loginToken(user)),
      await Browser.open(port, loginToken(user)),
    ];
    greedy.say('x'.repeat(17 * 1_024));
    expect(await greedy.closed).to.equal(1009);
    modest.say({ type: 'ping' });
    expect((await modest.next()).type).to.equal('pong');
  });

  it('is closed after bytes that are no frame, and the gateway lives on', async () => {
    const { port } = await startGateway();
    const browser = await Browser.open(port, loginToken(someUser()));
    const raw = Reflect.get(browser.socket, '_socket');
    raw.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    await browser.closed;
    expect((await askInternal(port, '/health')).status).to.equal(200);
  });

  it('holds a limited number of channels, and each only once', async () => {
    const { port } = await startGateway({
      env: { GATEWAY_CHANNELS: 'a,b,c' },
      limits: { maxChannelsPerConnection: 2 },
    });
    const browser = await Browser.open(port, loginToken(someUser()));
    const types: string[] = [];
    for (const channel of ['a', 'a', 'b', 'c']) {
      browser.say({ type: 'subscribe', data: { channel } });
      types.push((await browser.next()).type);
    }
    expect(types).to.deep.equal(['subscription_ack', 'subscription_ack', 'subscription_ack', 'error']);
    browser.say({ type: 'unsubscribe', data: { channel: 'a' } });
    await browser.next();
    browser.say({ type: 'subscribe', data: { channel: 'c' } });
    expect((await browser.next()).type).to.equal('subscription_ack');
  });

  it('may be opened by one user several times, but not without end', async () => {
    const { port } = await startGateway({ limits: { maxConnectionsPerUser: 2 } });
    const token = loginToken(someUser());
    const first = await Browser.open(port, token);
    await Browser.open(port, token);
    // All at once, so that a check before the wait for Redis would let several through.
    const refusals = await Promise.all([1, 2, 3].map(() => refusedUpgrade(urlOf(port), bearer(token))));
    expect(refusals.map(({ status, body }) => [status, body.code])).to.deep.equal(
      Array(3).fill([429, 'too_many_connections']),
    );
    first.socket.close();
    await first.closed;
    await Browser.open(port, token);
  });

  it('hears no channel that is not for everybody', async () => {
    const { port } = await startGateway();
    const browser = await Browser.open(port, loginToken(someUser()));
    for (const channel of ['admin', 'user:1', 'internal', 'NEWS', 'news2', '__proto__']) {
      browser.say({ type: 'subscribe', data: { channel } });
      const { type, data } = await browser.next();
      expect([type, (data as { code: string }).code], channel).to.deep.equal([
        'error',
        'channel_not_allowed',
      ]);
      await broadcast(port, { type: 'to_channel', channel, data: {} });
    }
    browser.say({ type: 'ping' });
    expect((await browser.next()).type).to.equal('pong');
    const stats = (await askInternal(port, '/websocket/stats')).json() as { data: { channels: number } };
    expect(stats.data.channels).to.equal(0);
  });

  for (const [what, send] of [
    ['frames', (browser: Browser) => browser.say({ type: 'ping' })],
    ['pings of the protocol', (browser: Browser) => browser.socket.ping()],
    ['pongs of the protocol', (browser: Browser) => browser.socket.pong()],
    ['binary frames', (browser: Browser) => browser.socket.send(Buffer.alloc(10))],
  ] as const) {
    it(`is closed when it sends too many ${what}, and only that one`, async () => {
      const { port } = await startGateway();
      const user = someUser();
      const [greedy, modest] = [
        await Browser.open(port, loginToken(user)),
        await Browser.open(port, loginToken(user)),
      ];
      for (let sent = 0; sent < 500; sent += 1) send(greedy);
      // The library ends a connection that wants too many pongs itself, without a word.
      expect(await greedy.closed).to.be.oneOf(what === 'pings of the protocol' ? [1006, 1008] : [1008]);
      modest.say({ type: 'ping' });
      expect((await modest.next()).type).to.equal('pong');
    });
  }

  it('is cut off when it goes on after the goodbye', async () => {
    const { port } = await startGateway({ limits: { socketGoodbyeMs: 100, frameBurst: 1 } });
    const browser = await Browser.open(port, loginToken(someUser()));
    const raw = Reflect.get(browser.socket, '_socket') as Socket;
    raw.removeAllListeners('data');
    raw.resume();
    // Pings by hand, since the library would answer the goodbye.
    const flood = setInterval(() => raw.write(Buffer.from([0x89, 0x80, 0, 0, 0, 0])), 5);
    await once(raw, 'close');
    clearInterval(flood);
  });

  it('may send as much as a page does, for as long as it likes', async () => {
    const { port } = await startGateway({ limits: { frameBurst: 5, framesPerSecond: 1_000 } });
    const browser = await Browser.open(port, loginToken(someUser()));
    for (let sent = 0; sent < 50; sent += 1) {
      browser.say({ type: 'ping' });
      expect((await browser.next()).type).to.equal('pong');
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });

  it('is closed with the next heartbeat once its login was revoked, and the user’s other one stays', async () => {
    const { port } = await startGateway({ limits: { socketHeartbeatMs: 100 } });
    const user = someUser();
    const [lost, kept] = [loginToken(user), loginToken(user, { claims: { device: 'another' } })];
    const [closing, open] = [await Browser.open(port, lost), await Browser.open(port, kept)];
    await once(closing.socket, 'ping');
    const redis = new Redis(sharedRedisUrl());
    await redis.set(`blacklist:${createHash('sha256').update(lost).digest('hex')}`, '1', 'EX', 60);
    redis.disconnect();
    expect(await closing.closed).to.equal(1008);
    await once(open.socket, 'ping');
    await broadcast(port, { type: 'private', user_id: user, data: {} });
    expect((await open.next()).type).to.equal('private');
  });

  it('is closed when the login token expires', async () => {
    const { port } = await startGateway();
    const browser = await Browser.open(port, loginToken(someUser(), { claims: { exp: inSeconds(2) } }));
    expect(await browser.closed).to.equal(1008);
  });

  it('stays open for a token whose end is further away than a timer can wait', async () => {
    const { port } = await startGateway();
    const warnings: string[] = [];
    const note = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', note);
    const exp = inSeconds(100 * 86_400);
    const browser = await Browser.open(port, loginToken(someUser(), { claims: { exp } }));
    browser.say({ type: 'ping' });
    expect((await browser.next()).type).to.equal('pong');
    process.off('warning', note);
    expect(warnings).to.deep.equal([]);
  });

  it('is dropped when the browser stops answering pings, and kept when it answers', async () => {
    const { port } = await startGateway({ limits: { socketHeartbeatMs: 100 } });
    const user = someUser();
    const alive = await Browser.open(port, loginToken(user));
    const dead = new Browser(urlOf(port), { ...bearer(loginToken(user)), autoPong: false });
    expect(await dead.closed).to.equal(1006);
    const pings = [once(alive.socket, 'ping'), once(alive.socket, 'ping')];
    await Promise.all(pings);
    alive.say({ type: 'ping' });
    expect((await alive.next()).type).to.equal('pong');
  });

  it('is cut off when it does not read, while others get every message', async () => {
    const { port } = await startGateway({ limits: { maxBufferedBytes: 200_000 } });
    const user = someUser();
    const reader = await Browser.open(port, loginToken(user));
    const stuck = await Browser.open(port, loginToken(user));
    stuck.socket.pause();
    const data = { filler: 'x'.repeat(60_000) };
    let sent = 0;
    for (let cut = false; !cut; ) {
      expect(
        (await broadcast(port, { type: 'bulk', user_id: user, data: { ...data, n: sent } })).status,
      ).to.equal(200);
      expect((await reader.next()).data).to.include({ n: sent });
      sent += 1;
      const stats = (await askInternal(port, '/websocket/stats')).json() as { data: { connections: number } };
      cut = stats.data.connections === 1;
    }
    stuck.socket.resume();
    expect(await stuck.closed).to.equal(1006);
  });

  it('does not end the gateway when the client resets the connection during the handshake', async () => {
    const { port } = await startGateway();
    for (let index = 0; index < 20; index += 1) {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write(
        `GET /ws?token=${loginToken('42')} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
          'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
      socket.resetAndDestroy();
    }
    expect((await askInternal(port, '/health')).status).to.equal(200);
  });
});
