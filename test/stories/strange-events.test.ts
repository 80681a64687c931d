import { expect } from 'chai';
import { askAdmin } from './support/operator.ts';
import { story, storyWith } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { monthsAfter } from './support/time.ts';
import { PRICE_MENSUEL, type World } from './support/world.ts';

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

/** A text as somebody might paste it: PostgreSQL can keep neither U+0000 nor half a surrogate pair. */
const PASTED = 'a\0b \ud83d';
const SPELLED = 'a\\u0000b \\ud83d';

/** An object in which every text that people write is such a text. */
function pasted(object: object): object {
  const fields = object as Record<string, unknown>;
  const error = fields.last_payment_error as object | null | undefined;
  return {
    ...fields,
    description: PASTED,
    metadata: { ...(fields.metadata as object), [PASTED]: PASTED },
    ...('customer_name' in fields ? { customer_name: PASTED } : {}),
    ...(error ? { last_payment_error: { ...error, message: PASTED } } : {}),
  };
}

describe('A payload with what PostgreSQL cannot keep', () => {
  it(
    'is applied, says what stood there, and harms no neighbour',
    story(async (world) => {
      const user = await world.member();
      const neighbour = await world.member();
      const sessions = [await user.beginCheckout(), await neighbour.beginCheckout()];
      world.sandbox.deliveries.setRules({ drop: ['*'] });
      for (const session of sessions) world.sandbox.completeCheckout({ session });
      await world.settle();
      world.sandbox.deliveries.setRules({});
      const { data } = await world.stripe.events.list({ limit: 100 });

      const statuses = await Promise.all(
        data.map((event) => world.deliver({ ...event, data: { object: pasted(event.data.object) } })),
      );
      expect(new Set(statuses)).to.deep.equal(new Set([200]));
      await world.settle();

      for (const each of [user, neighbour]) {
        expect((await each.account()).payments).to.deep.equal(['9.99 eur succeeded']);
        expect(each.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
      }
      const kept = await world.orm.em.fork().execute<{ text: string; noted: string }[]>(
        `select data #>> '{data,object,description}' as text, data #>> '{data,object,metadata}' as noted
           from webhook_events where data #>> '{data,object,description}' is not null`,
      );
      expect(kept).to.have.length.above(5);
      expect(new Set(kept.map(({ text }) => text))).to.deep.equal(new Set([SPELLED]));
      expect(kept.every(({ noted }) => noted.includes(JSON.stringify(SPELLED)))).to.equal(true);
    }),
  );

  it(
    'reaches rows and messages spelled out',
    story(async (world) => {
      const { user, end } = await subscriber(world, 'mensuel', 'failsLater');
      world.sandbox.deliveries.setRules({
        drop: ['payment_intent.payment_failed', 'invoice.payment_failed'],
      });
      await world.advanceTo(end);
      await world.advance(3_600);
      for (const type of ['payment_intent.payment_failed', 'invoice.payment_failed']) {
        const event = await eventOf(world, type);
        await world.deliver({ ...event, data: { object: pasted(event.data.object) } });
        await world.settle();
      }

      expect((await world.rows.payments()).at(-1)).to.include({ failureReason: SPELLED });
      expect(user.latest('payment_failed')).to.include({ reason: SPELLED });
    }),
  );

  it(
    'that cannot be applied keeps its row and its reason too',
    storyWith({ leavesUnapplied: true }, async (world) => {
      const known = await anyEvent(world);
      const object = { ...pasted(known.data.object), customer: null };
      expect(await world.deliver({ ...known, id: 'evt_pasted', data: { object } })).to.equal(200);
      await world.settle();

      const row = (await world.rows.events()).find(({ stripeEventId }) => stripeEventId === 'evt_pasted');
      expect(row?.errorMessage).to.match(/^Cannot read subscription/);
      const answer = await askAdmin(world, 'POST', '/api/admin/webhook/retry', { event_ids: ['evt_\0'] });
      expect(answer).to.have.nested.property('body.code', 'invalid_body');
      const asked = await askAdmin(world, 'GET', '/api/admin/webhook/events?type=a%00b');
      expect(asked).to.have.nested.property('body.code', 'invalid_query');
    }),
  );
});

describe('An amount', () => {
  it(
    'beyond 32 bits is booked, announced and refunded like any other',
    story(async (world) => {
      const user = await world.member();
      const customer = await user.becomesCustomer();
      const { product } = await world.stripe.prices.retrieve(PRICE_MENSUEL);
      const { id: price } = await world.stripe.prices.create({
        currency: 'idr',
        unit_amount: 2_500_000_000,
        recurring: { interval: 'month' },
        product: String(product),
      });

      const { id } = world.sandbox.createSubscription({ customer, price, card: 'succeeds' });
      await world.settle();
      expect((await user.account()).payments).to.deep.equal(['25000000 idr succeeded']);
      expect(user.latest('payment_succeeded')).to.include({ amount: 25_000_000, currency: 'idr' });

      world.sandbox.refund({ of: id });
      await world.settle();
      expect((await user.account()).payments).to.deep.equal(['25000000 idr succeeded, 25000000 back']);
    }),
  );

  it(
    'beyond what can be counted exactly is refused, once and for good',
    storyWith({ leavesUnapplied: true }, async (world) => {
      const { user } = await subscriber(world);
      const paid = await eventOf(world, 'invoice.paid');
      const body = JSON.stringify({
        ...paid,
        id: 'evt_huge',
        data: { object: { ...paid.data.object, id: 'in_huge' } },
      });

      await world.deliver(JSON.parse(body.replace(/"amount_paid":\d+/, '"amount_paid":9007199254740993')));
      await world.settle();

      const [job] = await world.failedJobs();
      expect(job?.reason).to.match(/amount_paid: is no amount that can be counted exactly/);
      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded']);
    }),
  );
});

describe('A value that no column of ours takes', () => {
  it(
    'fails its event once and for good, says which it was, and harms no neighbour',
    storyWith({ leavesUnapplied: true }, async (world) => {
      const { user } = await subscriber(world);
      const paid = await eventOf(world, 'invoice.paid');
      const neighbour = await world.member();
      const session = await neighbour.beginCheckout();
      world.sandbox.deliveries.hold();
      world.sandbox.completeCheckout({ session });

      world.sandbox.deliveries.release();
      const object = { ...paid.data.object, id: 'in_strange', currency: 'eurocent' };
      await world.deliver({ ...paid, id: 'evt_strange', data: { object } });
      await world.settle();

      const [job, ...others] = await world.failedJobs();
      expect(others).to.deep.equal([]);
      expect(job?.reason).to.match(/^PostgreSQL cannot keep a value of it: value too long/);
      expect(neighbour.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded']);
    }),
  );
});

async function anyEvent(world: World) {
  await subscriber(world);
  return eventOf(world, 'customer.subscription.updated');
}
