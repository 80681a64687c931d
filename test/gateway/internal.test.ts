import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { Browser } from './support/browser.ts';
import { askInternal, broadcast, INTERNAL_KEY, isOnline, until, useGateways } from './support/gateways.ts';
import { ask } from './support/http.ts';
import { loginToken, someUser } from './support/tokens.ts';

describe('The internal routes', () => {
  const startGateway = useGateways();

  it('open to the internal key and to nothing else', async () => {
    const { port } = await startGateway();
    const routes: [string, string][] = [
      ['POST', '/api/internal/websocket/broadcast'],
      ['GET', '/api/internal/websocket/stats'],
      ['GET', '/api/internal/users/42/online-status'],
      ['POST', '/api/internal/users/online-status/bulk'],
      ['GET', '/api/internal/health'],
      ['GET', '/api/internal/health/'],
      ['GET', '/api/internal/no-such-route'],
      ['GET', '/api/internal'],
    ];
    const strangers: Record<string, string>[] = [
      {},
      { 'x-internal-key': '' },
      { 'x-internal-key': `${INTERNAL_KEY}x` },
      { 'x-internal-key': INTERNAL_KEY.slice(1) },
      { 'user-agent': 'matcha-internal-service' },
      { 'x-forwarded-for': '10.0.0.1', 'x-real-ip': '192.168.1.1' },
      { authorization: `Bearer ${loginToken('42')}` },
    ];
    for (const [method, path] of routes) {
      for (const headers of strangers) {
        const answer = await ask(port, path, { method, headers });
        expect(answer.status, `${method} ${path} ${JSON.stringify(headers)}`).to.equal(401);
        expect(answer.json()).to.include({ success: false, code: 'unauthorized' });
      }
    }
  });

  it('compare no more keys of an address that guesses', async () => {
    const { port } = await startGateway();
    const guess = (key: string) => ask(port, '/api/internal/health', { headers: { 'x-internal-key': key } });
    const statuses = [];
    for (let n = 0; n < 32; n += 1) statuses.push((await guess(`guess-${n}`)).status);
    expect(statuses.filter((status) => status === 401)).to.have.length(30);
    expect((await guess(INTERNAL_KEY)).status).to.equal(429);
  });

  it('answer 404 in the envelope for a route that does not exist', async () => {
    const { port } = await startGateway();
    const answer = await askInternal(port, '/no-such-route');
    expect(answer.status).to.equal(404);
    expect(answer.json()).to.include({ success: false, code: 'route_not_found' });
  });

  it('bring a message to every tab of its user, as it was posted, and to nobody else', async () => {
    const { port } = await startGateway();
    const [user, other] = [someUser(), someUser()];
    const tabs = [await Browser.open(port, loginToken(user)), await Browser.open(port, loginToken(user))];
    const stranger = await Browser.open(port, loginToken(other));
    const body = `{"type":"premium_activated","user_id":"${user}","data":{"message":"Premium activé avec succès!","z":1,"a":null}}`;

    const answer = await broadcast(port, body);
    expect([answer.status, answer.body.toString()]).to.deep.equal([200, '{"success":true}']);
    for (const tab of tabs) expect(await tab.nextText()).to.equal(body);

    await broadcast(port, { type: 'sentinel', user_id: Number(other), data: {} });
    expect(await stranger.next()).to.deep.equal({ type: 'sentinel', user_id: Number(other), data: {} });
  });

  it('keep a user reachable after one of their tabs was closed', async () => {
    const { port } = await startGateway();
    const user = someUser();
    const [older, newer] = [
      await Browser.open(port, loginToken(user)),
      await Browser.open(port, loginToken(user)),
    ];
    older.socket.close();
    await older.closed;
    await broadcast(port, { type: 'still_here', user_id: user, data: {} });
    expect((await newer.next()).type).to.equal('still_here');
    expect(await isOnline(port, user)).to.equal(true);
  });

  it('bring a message to a channel only while one is subscribed to it', async () => {
    const channel = `room:${randomUUID()}`;
    const { port } = await startGateway({ env: { GATEWAY_CHANNELS: channel } });
    const user = someUser();
    const [inside, outside] = [
      await Browser.open(port, loginToken(user)),
      await Browser.open(port, loginToken(user)),
    ];
    await inside.subscribe(channel);
    await outside.subscribe(channel);
    outside.say({ type: 'unsubscribe', data: { channel } });
    await outside.next();

    await broadcast(port, { type: 'to_channel', channel, data: 1 });
    await broadcast(port, { type: 'to_user', user_id: user, data: {} });

    expect(await inside.next()).to.deep.equal({ type: 'to_channel', channel, data: 1 });
    expect((await outside.next()).type).to.equal('to_user');
  });

  it('bring a message for nobody in particular to everybody', async () => {
    const { port } = await startGateway();
    const browsers = [
      await Browser.open(port, loginToken(someUser())),
      await Browser.open(port, loginToken(someUser())),
    ];
    const type = `to-all-${randomUUID()}`;
    expect((await broadcast(port, { type })).status).to.equal(200);
    for (const browser of browsers) expect(await browser.next()).to.deep.equal({ type });
  });

  for (const body of [
    '',
    'not json',
    'null',
    '[]',
    '"text"',
    '{}',
    '{"type":""}',
    '{"type":42}',
    '{"type":"x","user_id":""}',
    '{"type":"x","user_id":null}',
    '{"type":"x","user_id":0}',
    '{"type":"x","user_id":-1}',
    '{"type":"x","user_id":1.5}',
    '{"type":"x","user_id":"abc"}',
    '{"type":"x","user_id":["42"]}',
    '{"type":"x","channel":""}',
    '{"type":"x","channel":null}',
    '{"type":"x","user_id":"42","channel":"news"}',
  ]) {
    it(`answer 400 to the broadcast ${body || '(empty)'} and send it to nobody`, async () => {
      const { port } = await startGateway();
      const user = someUser();
      const browser = await Browser.open(port, loginToken(user));
      const answer = await broadcast(port, body);
      expect(answer.status).to.equal(400);
      expect(answer.json()).to.have.all.keys('success', 'error', 'code');
      await broadcast(port, { type: 'sentinel', user_id: user, data: {} });
      expect((await browser.next()).type).to.equal('sentinel');
    });
  }

  it('answer 413 to a broadcast that is too large, announced or not', async () => {
    const { port } = await startGateway();
    const body = JSON.stringify({ type: 'x', data: 'x'.repeat(70_000) });
    const framings: Record<string, string>[] = [{}, { 'transfer-encoding': 'chunked' }];
    for (const headers of framings) {
      const answer = await broadcast(port, body, headers);
      expect([answer.status, (answer.json() as { code: string }).code]).to.deep.equal([
        413,
        'body_too_large',
      ]);
    }
  });

  it('answer 503 when too many broadcasts are on their way', async () => {
    const { port } = await startGateway({ limits: { maxPendingBroadcasts: 0 } });
    const answer = await broadcast(port, { type: 'x', user_id: someUser(), data: {} });
    expect([answer.status, (answer.json() as { code: string }).code]).to.deep.equal([503, 'channel_full']);
    expect(answer.headers['retry-after']).to.equal('1');
  });

  it('announce a message once however often it is repeated under its key', async () => {
    const { port } = await startGateway();
    const user = someUser();
    const browser = await Browser.open(port, loginToken(user));
    const message = { type: 'premium_activated', user_id: user, data: {} };
    const key = { 'idempotency-key': `outbox-${randomUUID()}` };

    const answers = await Promise.all(Array.from({ length: 10 }, () => broadcast(port, message, key)));
    answers.push(await broadcast(port, message, key));

    expect(answers.map(({ status }) => status)).to.deep.equal(Array(11).fill(200));
    const duplicates = answers.filter((answer) => (answer.json() as { duplicate?: boolean }).duplicate);
    expect(duplicates).to.have.length(10);
    await broadcast(port, { type: 'sentinel', user_id: user, data: {} });
    expect([(await browser.next()).type, (await browser.next()).type]).to.deep.equal([
      'premium_activated',
      'sentinel',
    ]);
  });

  it('announce each repetition without a key', async () => {
    const { port } = await startGateway();
    const user = someUser();
    const browser = await Browser.open(port, loginToken(user));
    for (const n of [1, 2]) {
      await broadcast(port, { type: 'x', user_id: user, data: {} });
      expect((await browser.next()).type, String(n)).to.equal('x');
    }
  });

  for (const key of ['', 'two words', 'x'.repeat(201)]) {
    it(`answer 400 to the Idempotency-Key ${JSON.stringify(key.slice(0, 12))} (${key.length} characters)`, async () => {
      const { port } = await startGateway();
      const answer = await broadcast(port, { type: 'x', user_id: someUser() }, { 'idempotency-key': key });
      expect([answer.status, (answer.json() as { code: string }).code]).to.deep.equal([
        400,
        'invalid_idempotency_key',
      ]);
    });
  }

  it('tell who is online', async () => {
    const { port } = await startGateway();
    const [here, away] = [someUser(), someUser()];
    const browser = await Browser.open(port, loginToken(here));
    await until(() => isOnline(port, here));
    const single = await askInternal(port, `/users/${away}/online-status/`);
    expect(single.json()).to.deep.equal({ success: true, data: { user_id: away, online: false } });
    const bulk = await ask(port, '/api/internal/users/online-status/bulk', {
      method: 'POST',
      headers: { 'x-internal-key': INTERNAL_KEY },
      body: JSON.stringify({ user_ids: [here, Number(away)] }),
    });
    expect(bulk.json()).to.deep.equal({ success: true, data: { [here]: true, [away]: false } });
    browser.socket.close();
    await until(async () => !(await isOnline(port, here)));
  });

  it('answer 400 when asked who is online without a usable user', async () => {
    const { port } = await startGateway({ limits: { maxBulkUsers: 2 } });
    expect((await askInternal(port, '/users/abc/online-status')).status).to.equal(400);
    for (const body of ['{}', '{"user_ids":"42"}', '{"user_ids":["x"]}', '{"user_ids":[1,2,3]}']) {
      const answer = await ask(port, '/api/internal/users/online-status/bulk', {
        method: 'POST',
        headers: { 'x-internal-key': INTERNAL_KEY },
        body,
      });
      expect(answer.status, body).to.equal(400);
    }
  });

  it('count connections, users and channels', async () => {
    const { port } = await startGateway();
    const user = someUser();
    const tabs = [await Browser.open(port, loginToken(user)), await Browser.open(port, loginToken(user))];
    await tabs[0]?.subscribe('news');
    const stats = async () =>
      (await askInternal(port, '/websocket/stats')).json() as { data: Record<string, unknown> };
    expect((await stats()).data).to.include({ connections: 2, users: 1, channels: 1, subscribed: true });
    for (const tab of tabs) tab.socket.close();
    await Promise.all(tabs.map((tab) => tab.closed));
    await until(async () => (await stats()).data.connections === 0);
    expect((await stats()).data).to.include({ connections: 0, users: 0, channels: 0 });
  });
});
