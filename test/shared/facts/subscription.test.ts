import { expect } from 'chai';
import { isEndedStatus, readSubscription } from '../../../src/shared/stripe/facts/index.ts';
import {
  type ItemStory,
  RENDERINGS,
  type Rendering,
  renderDeletedCustomer,
  renderInvoice,
  renderSubscription,
  type SubscriptionStory,
  tells,
} from '../../support/fixtures/stripe-shapes.ts';
import { at, date, expectRefusal, expectSameFacts, overTheWire } from './support.ts';

const monthly: ItemStory = {
  price: 'price_mensuel',
  product: 'prod_premium',
  interval: 'month',
  start: at('2026-06-01T10:00:00'),
  end: at('2026-07-01T10:00:00'),
};
const active: SubscriptionStory = {
  id: 'sub_1',
  customer: 'cus_1',
  status: 'active',
  created: at('2026-05-01T10:00:00'),
  items: [monthly],
  metadata: { user_id: '42' },
  latestInvoice: 'in_1',
};
const today: Rendering = { era: 'G', version: '2026-10-28.endive', at: 'now' };
const oldest: Rendering = { era: 'A', version: '2020-03-02', at: 'then' };

function render(story: SubscriptionStory) {
  return (rendering: Rendering) => renderSubscription(story, rendering);
}

describe('facts of a subscription', () => {
  it('are the same in every API version', () => {
    expectSameFacts(readSubscription, render(active), {
      id: 'sub_1',
      customerId: 'cus_1',
      status: 'active',
      created: date('2026-05-01T10:00:00'),
      startDate: date('2026-05-01T10:00:00'),
      livemode: false,
      priceId: 'price_mensuel',
      productId: 'prod_premium',
      interval: 'month',
      period: { start: date('2026-06-01T10:00:00'), end: date('2026-07-01T10:00:00') },
      cancelAt: null,
      canceledAt: null,
      endedAt: null,
      trialStart: null,
      trialEnd: null,
      collectionPaused: false,
      metadata: { user_id: '42' },
      latestInvoiceId: 'in_1',
      latestInvoice: null,
    });
  });

  describe('period', () => {
    it('ends with the first item that ends, where items have several intervals', () => {
      const yearly = {
        ...monthly,
        price: 'price_annuel',
        interval: 'year',
        start: at('2026-05-01T10:00:00'),
        end: at('2027-05-01T10:00:00'),
      };
      for (const items of [
        [monthly, yearly],
        [yearly, monthly],
      ]) {
        for (const rendering of RENDERINGS) {
          const facts = readSubscription(renderSubscription({ ...active, items }, rendering));
          expect(facts.period?.end, rendering.version).to.deep.equal(date('2026-07-01T10:00:00'));
          expect(facts.priceId, rendering.version).to.equal(items[0]?.price);
        }
      }
    });

    it('is unknown where neither the subscription nor its items have one', () => {
      const object = renderSubscription({ ...active, items: [] }, { ...today });
      expect(readSubscription(object)).to.deep.include({ period: null, priceId: null, interval: null });
    });
  });

  describe('price', () => {
    it('is the plan of payloads from before prices', () => {
      const object = renderSubscription(active, oldest);
      expect(JSON.stringify(object)).not.to.include('"object":"price"');
      expect(readSubscription(object)).to.deep.include({ priceId: 'price_mensuel', interval: 'month' });
    });

    it('is the top-level plan where the item names neither', () => {
      const object = renderSubscription(active, oldest);
      const items = { object: 'list', data: [{ id: 'si_0', object: 'subscription_item' }], has_more: false };
      expect(readSubscription({ ...object, items })).to.deep.include({
        priceId: 'price_mensuel',
        productId: 'prod_premium',
        interval: 'month',
      });
    });

    it('names its product whether that is an id, expanded, or deleted since', () => {
      for (const product of [
        'prod_x',
        { id: 'prod_x', object: 'product' },
        { id: 'prod_x', deleted: true },
      ]) {
        const story = { ...active, items: [{ ...monthly, product: product as string }] };
        expectSameFacts(readSubscription, render(story), { productId: 'prod_x' });
      }
    });

    it('may be metered: no quantity, no unit amount, decimals as strings', () => {
      const story = { ...active, items: [{ ...monthly, metered: true }] };
      expectSameFacts(readSubscription, render(story), { priceId: 'price_mensuel', interval: 'month' });
    });
  });

  describe('scheduled cancellation', () => {
    const end = monthly.end;
    for (const says of ['both', 'date', 'flag'] as const) {
      it(`is known when Stripe says it with ${says === 'both' ? 'flag and date' : `the ${says} alone`}`, () => {
        const story = { ...active, cancellation: { at: end, says }, canceledAt: at('2026-06-10T08:00:00') };
        expectSameFacts(readSubscription, render(story), {
          cancelAt: date('2026-07-01T10:00:00'),
          canceledAt: date('2026-06-10T08:00:00'),
          endedAt: null,
        });
      });
    }

    it('may be far from the end of the period', () => {
      const story = { ...active, cancellation: { at: at('2026-12-24T00:00:00'), says: 'date' as const } };
      expectSameFacts(readSubscription, render(story), { cancelAt: date('2026-12-24T00:00:00') });
    });

    for (const status of ['canceled', 'incomplete_expired']) {
      it(`is nothing any more once the subscription is ${status}`, () => {
        const story = {
          ...active,
          status,
          cancellation: { at: end, says: 'both' as const },
          canceledAt: at('2026-06-10T08:00:00'),
          endedAt: at('2026-06-10T08:00:00'),
        };
        expectSameFacts(readSubscription, render(story), {
          status,
          cancelAt: null,
          endedAt: date('2026-06-10T08:00:00'),
          // Stays in the future after an immediate cancellation.
          period: { start: date('2026-06-01T10:00:00'), end: date('2026-07-01T10:00:00') },
        });
        expect(isEndedStatus(status)).to.equal(true);
      });
    }
  });

  it('tell of a trial', () => {
    const trial = { start: at('2026-05-01T10:00:00'), end: at('2026-05-15T10:00:00') };
    expectSameFacts(readSubscription, render({ ...active, status: 'trialing', trial }), {
      status: 'trialing',
      trialStart: date('2026-05-01T10:00:00'),
      trialEnd: date('2026-05-15T10:00:00'),
    });
  });

  it('keep a paused collection apart from the status paused', () => {
    expectSameFacts(readSubscription, render({ ...active, collectionPaused: true }), {
      status: 'active',
      collectionPaused: true,
    });
    expectSameFacts(readSubscription, render({ ...active, status: 'paused' }), {
      status: 'paused',
      collectionPaused: false,
    });
  });

  it('pass on a status that Stripe has yet to invent', () => {
    expectSameFacts(readSubscription, render({ ...active, status: 'hibernating' }), {
      status: 'hibernating',
    });
    expect(isEndedStatus('hibernating')).to.equal(false);
    expect(isEndedStatus(null)).to.equal(false);
  });

  it('name the customer whether it is an id, expanded, or deleted', () => {
    for (const customer of [{ id: 'cus_1', object: 'customer' }, renderDeletedCustomer('cus_1')]) {
      expectSameFacts(
        readSubscription,
        (rendering) => ({ ...renderSubscription(active, rendering), customer }),
        {
          customerId: 'cus_1',
        },
      );
    }
  });

  it('include the latest invoice where it was read along', () => {
    expectSameFacts(
      (object) => readSubscription(object).latestInvoice,
      (rendering) =>
        renderSubscription(
          {
            ...active,
            latestInvoice: renderInvoice(
              {
                id: 'in_9',
                customer: 'cus_1',
                subscription: 'sub_1',
                status: 'open',
                billingReason: 'subscription_cycle',
                amountDue: 999,
                amountPaid: 0,
                created: at('2026-06-01T10:00:00'),
                attemptCount: 1,
                lines: [],
              },
              rendering,
            ),
          },
          rendering,
        ),
      { id: 'in_9', subscriptionId: 'sub_1', status: 'open', attemptCount: 1 },
    );
    const expanded = { ...active, latestInvoice: { id: 'in_9', object: 'invoice' } };
    expectRefusal(readSubscription, renderSubscription(expanded, today), ['invoice in_9', 'amount_due']);
  });

  it('say how it is collected, and why Stripe switched tax off by itself', () => {
    const object = renderSubscription(active, today);
    expect(readSubscription(object)).to.include({
      collectionMethod: 'charge_automatically',
      taxDisabledReason: null,
    });
    const automatic_tax = { enabled: false, disabled_reason: 'requires_location_inputs' };
    expect(readSubscription({ ...object, collection_method: 'send_invoice', automatic_tax })).to.include({
      collectionMethod: 'send_invoice',
      taxDisabledReason: 'requires_location_inputs',
    });
  });

  it('do without what old payloads do not say', () => {
    const { start_date: _, metadata: __, latest_invoice: ___, ...bare } = renderSubscription(active, oldest);
    expect(readSubscription(bare)).to.deep.include({
      startDate: date('2026-05-01T10:00:00'),
      metadata: {},
      latestInvoiceId: null,
    });
  });

  describe('of an unknown shape', () => {
    const object = renderSubscription(active, today);
    const cases: readonly (readonly [what: string, object: unknown, names: readonly string[]])[] = [
      ['no customer', { ...object, customer: null }, ['subscription sub_1', 'customer']],
      ['no items', { ...object, items: undefined }, ['subscription sub_1', 'items']],
      ['times as text', { ...object, cancel_at: '2026-07-01' }, ['subscription sub_1', 'cancel_at']],
      ['another object', { ...object, object: 'invoice' }, ['subscription sub_1', 'object']],
      ['no id', { ...object, id: undefined }, ['subscription without id', 'id']],
      ['nothing', null, ['subscription', '(top)']],
    ];
    for (const [what, odd, names] of cases) {
      it(`are refused for good, naming object and field: ${what}`, () => {
        expectRefusal(readSubscription, odd, names);
      });
    }
  });

  it('are read from every rendering that shows both shapes at once', () => {
    const hybrids = RENDERINGS.filter((rendering) => tells.old(rendering) && tells.basil(rendering));
    expect(hybrids).to.have.length.greaterThan(5);
    for (const rendering of hybrids) {
      const object = overTheWire(renderSubscription(active, rendering));
      expect(object).to.have.property('current_period_end');
      expect(object).to.have.nested.property('items.data[0].current_period_end');
      expect(readSubscription(object).period?.end).to.deep.equal(date('2026-07-01T10:00:00'));
    }
  });
});
