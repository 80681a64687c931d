import { expect } from 'chai';
import { askAdmin } from './support/operator.ts';
import { story, storyWith } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { monthsAfter } from './support/time.ts';
import type { World } from './support/world.ts';

/** The newest event of a type, as Stripe tells it. */
async function eventOf(world: World, type: string) {
  const { data } = await world.stripe.events.list({ type });
  const [event] = data;
  if (!event) throw new Error(`Stripe has sent no ${type}`);
  return event;
}

describe('An event', () => {
  it(
    'of live mode is recorded and ignored while our key is of test mode',
    story(async (world) => {
      const { user, end } = await subscriber(world);
      const event = await eventOf(world, 'customer.subscription.updated');
      const live = {
        ...event,
        id: 'evt_live',
        livemode: true,
        created: event.created + 60,
        type: 'customer.subscription.deleted',
        data: {
          object: { ...event.data.object, status: 'canceled', ended_at: event.created, livemode: true },
        },
      };

      expect(await world.deliver(live)).to.equal(200);
      await world.settle();

      const recorded = (await world.rows.events()).find((row) => row.stripeEventId === 'evt_live');
      expect(recorded).to.include({ processed: true, outcome: 'ignored', livemode: true });
      expect(await user.account()).to.deep.include({ reason: 'active', until: end, status: 'active' });
      expect(user.news()).to.deep.equal([]);
    }),
  );

  it(
    'of a type that nobody handles is recorded and ignored',
    story(async (world) => {
      const event = {
        ...(await anyEvent(world)),
        id: 'evt_other',
        type: 'radar.early_fraud_warning.created',
      };

      expect(await world.deliver(event)).to.equal(200);
      await world.settle();

      const recorded = (await world.rows.events()).find((row) => row.stripeEventId === 'evt_other');
      expect(recorded).to.include({ processed: true, outcome: 'ignored' });
    }),
  );

  it(
    'of a shape that nobody knows fails for itself alone and keeps its payload',
    storyWith({ leavesUnapplied: true }, async (world) => {
      const { user, end } = await subscriber(world);
      const known = await eventOf(world, 'customer.subscription.updated');
      const {
        items: _items,
        customer: _customer,
        ...rest
      } = known.data.object as unknown as Record<string, unknown>;
      const future = {
        ...known,
        id: 'evt_future',
        data: { object: { ...rest, contracts: [{ term: 'P1M' }] } },
      };
      const neighbour = await world.member();
      const session = await neighbour.beginCheckout('mensuel');
      world.sandbox.deliveries.hold();
      world.sandbox.completeCheckout({ session });

      world.sandbox.deliveries.release();
      expect(await world.deliver(future)).to.equal(200);
      await world.settle();

      expect(neighbour.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
      expect((await neighbour.account()).until).to.deep.equal(monthsAfter(world.now, 1));
      expect(await user.account()).to.deep.include({ reason: 'active', until: end });
      const [job, ...others] = await world.failedJobs();
      expect(others).to.deep.equal([]);
      expect(job?.reason).to.match(/^Cannot read subscription sub_\w+: unknown shape \(.*items/);
      const answer = await askAdmin(world, 'GET', '/api/admin/webhook/events?state=failed');
      expect(answer.body.data)
        .to.have.nested.property('events')
        .that.has.length(1)
        .and.has.nested.property('[0].stripe_event_id', 'evt_future');
      const [kept] = await world.orm.em
        .fork()
        .execute<{ data: unknown }[]>("select data from webhook_events where stripe_event_id = 'evt_future'");
      expect(kept?.data).to.deep.equal(JSON.parse(JSON.stringify(future)));
    }),
  );
});

async function anyEvent(world: World) {
  await subscriber(world);
  return eventOf(world, 'customer.subscription.updated');
}
