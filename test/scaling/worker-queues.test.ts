import { expect } from 'chai';
import { type Matcha, startMatcha } from '../../rig/matcha.ts';
import { Pile } from '../../rig/pile.ts';
import { ManagedProcess } from '../../rig/process.ts';
import { ConfigError } from '../../src/shared/errors.ts';
import { readWorkerConfig } from '../../src/workers/config.ts';
import { Buyer } from './support/buyer.ts';

const COMMON = { DB_HOST: 'db', DB_USER: 'matcha', DB_NAME: 'matcha', REDIS_URL: 'redis://cache' };

describe('Workers split by queue', function () {
  this.timeout(120_000);
  const pile = new Pile();
  after(() => pile.close());

  /** What a worker misses that is told nothing of Stripe and the gateway. */
  function missing(queues: string): string[] {
    try {
      readWorkerConfig({ ...COMMON, WORKER_QUEUES: queues });
      return [];
    } catch (thrown) {
      if (!(thrown instanceof ConfigError)) throw thrown;
      return thrown.problems.map((line) => line.replace(/ is missing$/, ''));
    }
  }

  const ofStripe = ['STRIPE_SECRET_KEY', 'STRIPE_PRICE_MENSUEL', 'STRIPE_PRICE_ANNUEL'];
  const ofGateway = ['GATEWAY_URL', 'INTERNAL_API_KEY'];
  for (const [queues, wanted] of Object.entries({
    'stripe-events': ofStripe,
    notifications: ofGateway,
    maintenance: ofStripe,
    'stripe-events,maintenance': ofStripe,
    'notifications, stripe-events': [...ofStripe, ...ofGateway],
    '': [...ofStripe, ...ofGateway],
  })) {
    it(`ask for what "${queues}" needs, and nothing else`, () => {
      expect(missing(queues)).to.have.members(wanted);
    });
  }

  it('name a queue that does not exist beside everything else', () => {
    const problems = missing('stripe-event');
    expect(problems).to.include.members([...ofStripe, ...ofGateway]);
    expect(problems.join()).to.contain('WORKER_QUEUES must be some of');
  });

  it('bring a purchase to the browser together, each started with its own variables only', async () => {
    const matcha: Matcha = pile.add(await startMatcha({ durability: 'fast', workers: 0 }));
    const lacking = (prefixes: readonly string[]): Record<string, string> =>
      Object.fromEntries(
        Object.entries(matcha.env).filter(([name]) => !prefixes.some((prefix) => name.startsWith(prefix))),
      );
    const kinds = {
      'stripe-events': lacking(['GATEWAY_', 'INTERNAL_', 'JWT_', 'ALLOWED_', 'STRIPE_WEBHOOK_']),
      notifications: lacking(['STRIPE_', 'JWT_', 'ALLOWED_']),
      maintenance: lacking(['GATEWAY_', 'INTERNAL_', 'JWT_', 'ALLOWED_', 'STRIPE_WEBHOOK_']),
    };
    await Promise.all(
      Object.entries(kinds).map(([queue, env]) => {
        const worker = new ManagedProcess({
          name: `worker of ${queue}`,
          script: 'src/workers/main.ts',
          env: { ...env, WORKER_QUEUES: queue, WORKER_CONCURRENCY: '5' },
          ready: { line: /worker ready/i },
        });
        return pile.add(worker).start();
      }),
    );
    const buyer = pile.add(await Buyer.open(matcha));
    await buyer.buys();
    await buyer.hears('premium_activated', 'payment_succeeded');
  });
});
