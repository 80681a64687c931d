import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { type ManagedProcess, startProcess } from '../../rig/process.ts';
import { type RedisServer, startRedis } from '../../rig/redis.ts';
import { Browser, refusedUpgrade } from './support/browser.ts';
import {
  askInternal,
  broadcast,
  gatewayEnvironment,
  isOnline,
  NOWHERE,
  until,
  useGateways,
} from './support/gateways.ts';
import { ask, FakeService } from './support/http.ts';
import { sharedRedisUrl } from './support/redis.ts';
import { loginToken, someUser } from './support/tokens.ts';

describe('Several gateways', () => {
  const startGateway = useGateways();

  it('reach a user wherever their sockets are, each socket once', async () => {
    const [left, right] = [await startGateway(), await startGateway()];
    const user = someUser();
    const tabs = [
      await Browser.open(left.port, loginToken(user)),
      await Browser.open(right.port, loginToken(user)),
    ];
    for (const { port } of [left, right]) {
      expect((await broadcast(port, { type: `by ${port}`, user_id: user, data: {} })).status).to.equal(200);
    }
    for (const tab of tabs) {
      expect([(await tab.next()).type, (await tab.next()).type]).to.deep.equal([
        `by ${left.port}`,
        `by ${right.port}`,
      ]);
    }
  });

  it('carry channels and messages to all between them', async () => {
    const channel = randomUUID();
    const env = { GATEWAY_CHANNELS: `news,${channel}` };
    const [left, right] = [await startGateway(), await startGateway({ env })];
    const browser = await Browser.open(right.port, loginToken(someUser()));
    await browser.subscribe(channel);
    await broadcast(left.port, { type: 'to_channel', channel, data: {} });
    expect((await browser.next()).type).to.equal('to_channel');
    const type = randomUUID();
    await broadcast(left.port, { type, data: {} });
    expect((await browser.next()).type).to.equal(type);
  });

  it('announce once when a repetition arrives at the other one', async () => {
    const [left, right] = [await startGateway(), await startGateway()];
    const user = someUser();
    const browser = await Browser.open(left.port, loginToken(user));
    const key = { 'idempotency-key': randomUUID() };
    const message = { type: 'payment_succeeded', user_id: user, data: {} };
    const answers = await Promise.all(
      [left, right, left, right].map(({ port }) => broadcast(port, message, key)),
    );
    expect(answers.filter((answer) => answer.body.toString() === '{"success":true}')).to.have.length(1);
    await broadcast(right.port, { type: 'sentinel', user_id: user, data: {} });
    expect([(await browser.next()).type, (await browser.next()).type]).to.deep.equal([
      'payment_succeeded',
      'sentinel',
    ]);
  });

  it('know of a user who is on the other one, until the last socket on either is gone', async () => {
    const [left, right] = [await startGateway(), await startGateway()];
    const user = someUser();
    const here = await Browser.open(left.port, loginToken(user));
    const there = await Browser.open(right.port, loginToken(user));
    await until(() => isOnline(right.port, user));
    here.socket.close();
    await here.closed;
    const stats = async () =>
      (await askInternal(left.port, '/websocket/stats')).json() as { data: { users: number } };
    await until(async () => (await stats()).data.users === 0);
    expect(await isOnline(left.port, user)).to.equal(true);
    there.socket.close();
    await until(async () => !(await isOnline(left.port, user)));
  });

  it('forget the users of one that stops', async () => {
    const [left, right] = [await startGateway(), await startGateway()];
    const user = someUser();
    await Browser.open(left.port, loginToken(user));
    await until(() => isOnline(right.port, user));
    await left.close();
    expect(await isOnline(right.port, user)).to.equal(false);
  });

  describe('in processes of their own', () => {
    const processes: ManagedProcess[] = [];
    afterEach(async () => {
      await Promise.all(
        processes
          .splice(0)
          .filter((one) => one.running)
          .map((one) => one.kill()),
      );
    });

    async function start(script = 'src/gateway/main.ts'): Promise<ManagedProcess> {
      const env = gatewayEnvironment(sharedRedisUrl(), NOWHERE);
      const one = await startProcess({ name: 'gateway', script, env, ready: { line: /"port":\d+/ } });
      processes.push(one);
      return one;
    }

    function portOf({ lines }: ManagedProcess): number {
      const announced = lines.filter((line) => line.includes('"port"'));
      expect(announced).to.have.length(1);
      return (JSON.parse(String(announced[0])) as { port: number }).port;
    }

    it('reach each other, and stop cleanly on SIGTERM', async () => {
      const [left, right] = [await start(), await start()];
      const user = someUser();
      const browser = await Browser.open(portOf(right), loginToken(user));
      expect((await broadcast(portOf(left), { type: 'hello', user_id: user, data: {} })).status).to.equal(
        200,
      );
      expect((await browser.next()).type).to.equal('hello');
      await until(() => isOnline(portOf(left), user));

      right.signal('SIGTERM');
      expect(await browser.closed).to.equal(1001);
      expect((await right.exited).code).to.equal(0);
      expect(await isOnline(portOf(left), user)).to.equal(false);
    });

    it('let the users of one that was killed go offline by themselves', async () => {
      const survivor = await startGateway();
      const victim = await start('test/gateway/support/short-lived-gateway.ts');
      const user = someUser();
      await Browser.open(portOf(victim), loginToken(user));
      await until(() => isOnline(survivor.port, user));
      await victim.kill();
      await until(async () => !(await isOnline(survivor.port, user)));
    });

    it('do not start with a broken environment, and say everything that is wrong with it at once', async () => {
      const env = {
        ...gatewayEnvironment(sharedRedisUrl(), 'ftp://x'),
        JWT_SECRET: 'short',
        INTERNAL_API_KEY: '',
      };
      const one = await startProcess({ name: 'gateway', script: 'src/gateway/main.ts', env });
      expect((await one.exited).code).to.equal(1);
      const said = one.lines.join('\n');
      for (const name of ['PAIEMENTS_SERVICE_URL', 'JWT_SECRET', 'INTERNAL_API_KEY'])
        expect(said).to.contain(name);
      expect(said).not.to.contain('short');
    });
  });
});

describe('The gateway while Redis is in trouble', () => {
  const startGateway = useGateways();
  let redis: RedisServer;
  beforeEach(async () => {
    redis = await startRedis();
  });
  afterEach(() => redis.close());

  const message = (user: string, type = 'premium_activated') => ({ type, user_id: user, data: {} });

  it('answers 503 to what needs it, serves the rest, and heals by itself with its sockets open', async () => {
    const service = await new FakeService().start();
    const gateway = await startGateway({ redisUrl: redis.url, serviceUrl: service.url });
    const user = someUser();
    const browser = await Browser.open(gateway.port, loginToken(user));
    const key = { 'idempotency-key': randomUUID() };
    await redis.kill();
    await until(async () => (await askInternal(gateway.port, '/health')).status === 503);

    expect((await broadcast(gateway.port, message(user), key)).status).to.equal(503);
    expect((await askInternal(gateway.port, `/users/${user}/online-status`)).status).to.equal(503);
    const bearer = { authorization: `Bearer ${loginToken(user)}` };
    expect((await ask(gateway.port, '/api/stripe/subscription', { headers: bearer })).status).to.equal(503);
    expect((await refusedUpgrade(`ws://127.0.0.1:${gateway.port}/ws`, { headers: bearer })).status).to.equal(
      503,
    );
    expect((await ask(gateway.port, '/api/stripe/webhook', { method: 'POST', body: '{}' })).status).to.equal(
      200,
    );
    browser.say({ type: 'ping' });
    expect((await browser.next()).type).to.equal('pong');

    await redis.start();
    await until(async () => (await broadcast(gateway.port, message(user), key)).status === 200);
    expect((await browser.next()).type).to.equal('premium_activated');
    await until(() => isOnline(gateway.port, user));
    await service.stop();
  });

  it('starts without it, and joins the others when it comes', async () => {
    await redis.kill();
    const service = await new FakeService().start();
    const gateway = await startGateway({
      redisUrl: redis.url,
      serviceUrl: service.url,
      limits: { startWaitMs: 50 },
    });
    expect((await ask(gateway.port, '/api/stripe/webhook', { method: 'POST', body: '{}' })).status).to.equal(
      200,
    );
    expect((await askInternal(gateway.port, '/health')).status).to.equal(503);
    await redis.start();
    await until(async () => (await askInternal(gateway.port, '/health')).status === 200);
    await service.stop();
  });

  it('announces once when Redis hangs and the caller repeats after a 503', async () => {
    const gateway = await startGateway({ redisUrl: redis.url });
    const user = someUser();
    const browser = await Browser.open(gateway.port, loginToken(user));
    const key = { 'idempotency-key': randomUUID() };
    redis.freeze();
    expect((await broadcast(gateway.port, message(user), key)).status).to.equal(503);
    redis.thaw();
    await until(async () => (await broadcast(gateway.port, message(user), key)).status === 200);
    await broadcast(gateway.port, message(user, 'sentinel'));
    expect([(await browser.next()).type, (await browser.next()).type]).to.deep.equal([
      'premium_activated',
      'sentinel',
    ]);
  });

  it('loses and repeats nothing when every subscription breaks while messages flow', async () => {
    const [left, right] = [
      await startGateway({ redisUrl: redis.url }),
      await startGateway({ redisUrl: redis.url }),
    ];
    const user = someUser();
    const tabs = [
      await Browser.open(left.port, loginToken(user)),
      await Browser.open(right.port, loginToken(user)),
    ];
    const operator = new Redis(redis.url);
    const expected: string[] = [];
    for (let n = 0; n < 30; n += 1) {
      if (n % 10 === 5) await operator.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      const key = { 'idempotency-key': randomUUID() };
      const port = n % 2 ? left.port : right.port;
      await until(async () => (await broadcast(port, message(user, `n${n}`), key)).status === 200);
      expected.push(`n${n}`);
    }
    operator.disconnect();
    for (const tab of tabs) {
      const got: string[] = [];
      while (got.length < 30) got.push((await tab.next()).type);
      expect(got).to.deep.equal(expected);
    }
  });
});
