import { expect } from 'chai';
import { type Matcha, startMatcha } from '../../rig/matcha.ts';
import { local } from '../../rig/matcha-environment.ts';
import { Pile } from '../../rig/pile.ts';
import { poll } from '../../rig/poll.ts';
import { freePorts } from '../../rig/ports.ts';
import type { ManagedProcess } from '../../rig/process.ts';
import { everythingDelivered, sandboxAction } from './support/sandbox.ts';
import { leftOpen } from './support/settled.ts';
import { Traffic } from './support/traffic.ts';

type Deliveries = {
  readonly deliveries: readonly { type: string; attempts: number; status: number | null }[];
};

describe('Restarting one process after the other under traffic', function () {
  this.timeout(180_000);
  const pile = new Pile();
  let matcha: Matcha;
  let traffic: Traffic;

  before(async () => {
    const [first = 0, second = 0, third = 0] = await freePorts(3);
    matcha = pile.add(
      await startMatcha({
        durability: 'fast',
        workers: 2,
        env: {
          PAIEMENTS_SERVICE_PORT: String(first),
          // One place more than there are processes: each new one starts before its predecessor stops.
          PAIEMENTS_SERVICE_URL: [first, second, third].map(local).join(','),
          // Nothing but the queues may bring an event or a message to its end here.
          SWEEP_INTERVAL_SECONDS: '3600',
          RECONCILE_INTERVAL_SECONDS: '0',
        },
      }),
    );
    await matcha.startWeb({ PAIEMENTS_SERVICE_PORT: String(second) });
    traffic = await Traffic.start(matcha);

    await replace(matcha.webs[0], () => matcha.startWeb({ PAIEMENTS_SERVICE_PORT: String(third) }));
    await replace(matcha.webs[1], () => matcha.startWeb({ PAIEMENTS_SERVICE_PORT: String(first) }));
    await replace(matcha.workers[0], () => matcha.startWorker());
    await replace(matcha.workers[1], () => matcha.startWorker());

    await traffic.stop();
    await everythingDelivered(matcha);
  });
  after(() => pile.close());

  /** Starts the new one, then stops the old one as a deployment does. */
  async function replace(
    old: ManagedProcess | undefined,
    startNew: () => Promise<ManagedProcess>,
  ): Promise<void> {
    await startNew();
    const exit = await old?.stop();
    expect(exit, `the end of ${old?.name}`).to.deep.equal({ code: 0, signal: null });
  }

  it('fails no request', () => {
    expect(traffic.failures).to.deep.equal([]);
    expect(traffic.requests).to.be.above(100);
  });

  it('makes Stripe send nothing twice', async () => {
    const { deliveries } = (await sandboxAction(matcha, 'deliveries')) as Deliveries;
    expect(deliveries).not.to.be.empty;
    expect(deliveries.filter(({ attempts, status }) => attempts !== 1 || status !== 200)).to.deep.equal([]);
  });

  it('loses no event that was accepted', async () => {
    expect(await leftOpen(matcha)).to.deep.equal([]);
    // What was accepted last may still be on its way through the queue.
    let missing: readonly Record<string, unknown>[] = [];
    await poll(
      async () => {
        missing = await matcha.query(
          `select accepted.id from json_array_elements_text($1::json) as accepted(id)
           where not exists (select from webhook_events where stripe_event_id = accepted.id)`,
          [JSON.stringify(traffic.accepted)],
        );
        return missing.length === 0 ? true : undefined;
      },
      { everyMs: 100, timeoutMs: 30_000 },
    ).catch(() => undefined);
    expect(missing).to.deep.equal([]);
    expect(traffic.accepted.length).to.be.above(50);
  });

  it('tells every buyer everything once', async () => {
    expect(traffic.buyers).not.to.be.empty;
    for (const buyer of traffic.buyers) {
      expect(buyer.heard).to.have.members(['connection_ack', 'premium_activated', 'payment_succeeded']);
    }
    const facts = await matcha.query('select fact from outbox_messages');
    expect(facts).to.have.length(traffic.buyers.length * 2);
    for (const buyer of traffic.buyers) buyer.close();
  });
});
