import { EventEmitter, once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { poll } from '../../rig/poll.ts';
import { Turns } from '../../src/api/checkout/turns.ts';
import { loginHeaders } from './support/login.ts';
import { useApiWithStripe } from './support/stripe.ts';

const PATH = '/api/stripe/subscription';

describe('Purchases that take turns', () => {
  const parts = useApiWithStripe({ DB_POOL_MAX: '4', RATE_LIMIT_CHECKOUT: '0' });
  let lastUser = 0;

  async function users(count: number): Promise<number[]> {
    const ids = Array.from({ length: count }, (_, index) => lastUser + index + 1);
    for (const id of ids) await parts().api.addUser(id);
    lastUser += count;
    return ids;
  }

  const buy = (as: number, plan = 'mensuel') =>
    parts().api.ask(PATH, { method: 'POST', as, body: { plan_type: plan } });

  /** Begins a purchase; `hangUp` goes away without waiting for its answer. */
  function begin(as: number): { hangUp: () => void } {
    const sent = request(`http://127.0.0.1:${parts().api.port}${PATH}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...loginHeaders(as) },
    });
    sent.on('error', () => undefined);
    sent.end(JSON.stringify({ plan_type: 'mensuel' }));
    return { hangUp: () => sent.destroy() };
  }

  async function stripeIsAsked(): Promise<void> {
    const { faults } = parts().sandbox;
    const before = faults.planned[0]?.times ?? 0;
    await poll(async () => (faults.planned[0]?.times ?? 0) < before || undefined, {
      everyMs: 5,
      timeoutMs: 5_000,
    });
  }

  afterEach(() => parts().sandbox.faults.clear());

  it('make nobody wait for all that a few have asked for', async () => {
    const [buyer = 0, ...impatient] = await users(8);
    parts().sandbox.faults.add({ kind: 'delay', delayMs: 100, times: 10_000 });
    const flood = impatient.flatMap((as) => Array.from({ length: 28 }, () => buy(as)));
    await stripeIsAsked();
    const startedAt = performance.now();
    expect((await buy(buyer)).status).to.equal(200);
    const tookMs = performance.now() - startedAt;
    const answers = await Promise.all(flood);
    // Seven others with two turns each, of some eight calls to Stripe, two at a time.
    expect(tookMs).to.be.below(9_000);
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([200]));
  }).timeout(60_000);

  it('share what waits already, and refuse a third that is something else', async () => {
    const [user = 0] = await users(1);
    parts().sandbox.faults.add({ kind: 'delay', delayMs: 200, times: 10_000 });
    const running = buy(user);
    await stripeIsAsked();
    const waiting = [buy(user, 'annuel'), buy(user, 'annuel')];
    await wait(50);
    const refused = await buy(user, 'mensuel');
    expect(refused.status).to.equal(429);
    expect(refused.headers.get('retry-after')).to.equal('5');
    expect((await running).status).to.equal(200);
    const [one, other] = await Promise.all(waiting);
    expect([one?.status, other?.status]).to.deep.equal([200, 200]);
    expect(one?.body.data).to.deep.equal(other?.body.data);
  });

  it('end with the request: whoever hangs up gives place and connection back', async () => {
    const [first = 0, second = 0, buyer = 0] = await users(3);
    parts().sandbox.faults.add({ kind: 'hang', times: 2 });
    // Both places are taken by purchases that Stripe never answers.
    const hung = [begin(first), begin(second)];
    await poll(async () => parts().sandbox.faults.planned.length === 0 || undefined, {
      everyMs: 5,
      timeoutMs: 5_000,
    });
    const purchase = buy(buyer);
    for (const { hangUp } of hung) hangUp();
    const startedAt = performance.now();
    expect((await purchase).status).to.equal(200);
    expect(performance.now() - startedAt).to.be.below(3_000);
    // The same users can buy at once, and end in one session.
    expect((await buy(first)).status).to.equal(200);
  });
});

describe('A turn', () => {
  const never = (signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

  it('ends after its longest time, whether it waits or runs', async () => {
    const turns = new Turns({ atOnce: 1, longestQueue: 5, longestMs: 60 });
    const codes = await Promise.all(
      ['a', 'b', 'c'].map((key) =>
        turns.run({ key, what: 'work' }, never).then(
          () => 'done',
          (thrown: { status: number; code: string }) => `${thrown.status} ${thrown.code}`,
        ),
      ),
    );
    expect(codes).to.deep.equal(['503 busy', '503 busy', '503 busy']);
    expect(await turns.run({ key: 'a', what: 'work' }, async () => 'done')).to.equal('done');
  });

  it('that waits is dropped when all who asked for it have gone, and not before', async () => {
    const turns = new Turns({ atOnce: 1, longestQueue: 5 });
    const events = new EventEmitter();
    const running = turns.run({ key: 'a', what: 'work' }, () => once(events, 'end'));
    const [one, other] = [new AbortController(), new AbortController()];
    let ran = 0;
    const work = async () => {
      ran += 1;
    };
    const waiting = [one, other].map(({ signal: hangUp }) =>
      turns.run({ key: 'b', what: 'work', hangUp }, work).then(
        () => 'done',
        () => 'gone',
      ),
    );
    one.abort(new Error('gone'));
    expect(await waiting[0]).to.equal('gone');
    events.emit('end');
    await running;
    expect(await waiting[1]).to.equal('done');

    const again = turns.run({ key: 'a', what: 'work' }, () => once(events, 'end'));
    const gone = new AbortController();
    const dropped = turns.run({ key: 'b', what: 'work', hangUp: gone.signal }, work).catch(() => 'gone');
    gone.abort(new Error('gone'));
    expect(await dropped).to.equal('gone');
    events.emit('end');
    await again;
    expect(ran).to.equal(1);
  });

  it('is refused when too many wait', async () => {
    const turns = new Turns({ atOnce: 1, longestQueue: 1 });
    const events = new EventEmitter();
    const running = turns.run({ key: 'a', what: 'work' }, () => once(events, 'end'));
    const waiting = turns.run({ key: 'b', what: 'work' }, async () => 'done');
    const refused = await turns.run({ key: 'c', what: 'work' }, async () => 'done').catch((thrown) => thrown);
    expect([refused.status, refused.code]).to.deep.equal([503, 'busy']);
    events.emit('end');
    await running;
    expect(await waiting).to.equal('done');
  });
});
