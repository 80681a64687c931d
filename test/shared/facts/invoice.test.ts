import { expect } from 'chai';
import { readInvoice } from '../../../src/shared/stripe/facts/index.ts';
import {
  type InvoiceStory,
  type LineStory,
  listed,
  RENDERINGS,
  type Rendering,
  renderDeletedCustomer,
  renderInvoice,
  type StripeObject,
  tells,
} from '../../support/fixtures/stripe-shapes.ts';
import { at, date, expectRefusal, expectSameFacts } from './support.ts';

const ownLine: LineStory = {
  kind: 'subscription',
  subscription: 'sub_1',
  price: 'price_mensuel',
  amount: 999,
  start: at('2026-06-01T10:00:00'),
  end: at('2026-07-01T10:00:00'),
};
const ours: Record<string, string> = { user_id: '42' };
const paid: InvoiceStory = {
  id: 'in_1',
  customer: 'cus_1',
  email: 'ada@example.org',
  subscription: 'sub_1',
  subscriptionMetadata: ours,
  intent: 'pi_1',
  charge: 'ch_1',
  status: 'paid',
  billingReason: 'subscription_cycle',
  amountDue: 999,
  amountPaid: 999,
  created: at('2026-06-01T10:00:00'),
  paidAt: at('2026-06-01T11:00:39'),
  attemptCount: 1,
  lines: [ownLine],
};
const today: Rendering = { era: 'G', version: '2026-10-28.endive', at: 'now' };
const lastOld: Rendering = { era: 'C', version: '2025-02-24.acacia', at: 'then' };

function render(story: InvoiceStory) {
  return (rendering: Rendering) => renderInvoice(story, rendering);
}

describe('facts of an invoice', () => {
  it('say what the intent does where it was read along: a debit with the bank is tried, and has not failed', () => {
    const object = renderInvoice({ ...paid, status: 'open', amountPaid: 0 }, today);
    const payment_intent = { id: 'pi_1', status: 'processing', last_payment_error: null };
    const payments = { data: [{ payment: { payment_intent }, status: 'open', is_default: true }] };
    expect(readInvoice({ ...object, attempted: true, payments })).to.deep.include({
      status: 'open',
      attempted: true,
      attemptCount: 1,
      intentStatus: 'processing',
      failureReason: null,
    });
    expect(readInvoice({ ...object, attempt_count: 0, attempted: undefined })).to.include({
      attempted: false,
      intentStatus: null,
    });
  });

  it('say why a draft could not be finalised, and whether an address is missing', () => {
    const draft = renderInvoice({ ...paid, status: 'draft', amountPaid: 0 }, today);
    const failing = (error: object, status: string | null = null) =>
      readInvoice({ ...draft, last_finalization_error: error, automatic_tax: { status } });
    expect(failing({ code: 'customer_tax_location_invalid', message: 'No.' })).to.include({
      finalizationError: 'customer_tax_location_invalid',
      lacksTaxLocation: true,
    });
    expect(failing({ message: 'The tax service is away.' }, 'failed')).to.include({
      finalizationError: 'The tax service is away.',
      lacksTaxLocation: false,
    });
    expect(failing({}, 'requires_location_inputs').lacksTaxLocation).to.equal(true);
    expect(readInvoice(draft)).to.include({ finalizationError: null, lacksTaxLocation: false });
  });

  it('are the same in every API version, as far as each tells', () => {
    expectSameFacts(readInvoice, render(paid), (rendering) => ({
      id: 'in_1',
      customerId: 'cus_1',
      customerEmail: 'ada@example.org',
      subscriptionId: 'sub_1',
      subscriptionMetadata: tells.subscriptionMetadata(rendering) || tells.basil(rendering) ? ours : {},
      // From basil on nothing in the payload says what paid it.
      intentId: tells.old(rendering) ? 'pi_1' : null,
      chargeId: tells.old(rendering) ? 'ch_1' : null,
      status: 'paid',
      billingReason: 'subscription_cycle',
      amountDue: 999,
      amountPaid: 999,
      currency: 'eur',
      created: date('2026-06-01T10:00:00'),
      paidAt: date('2026-06-01T11:00:39'),
      attemptCount: 1,
      nextAttemptAt: null,
      servicePeriod: { start: date('2026-06-01T10:00:00'), end: date('2026-07-01T10:00:00') },
      hostedInvoiceUrl: 'https://invoice.stripe.example/i/in_1',
      failureReason: null,
      livemode: false,
    }));
  });

  it('tell of dunning', () => {
    const story = {
      ...paid,
      status: 'open',
      amountPaid: 0,
      paidAt: undefined,
      attemptCount: 2,
      nextAttempt: at('2026-06-04T11:00:00'),
    };
    expectSameFacts(readInvoice, render(story), {
      status: 'open',
      amountPaid: 0,
      paidAt: null,
      attemptCount: 2,
      nextAttemptAt: date('2026-06-04T11:00:00'),
    });
  });

  it('have no id where there is no invoice yet (invoice.upcoming)', () => {
    const upcoming = { ...paid, id: null, status: 'draft', amountPaid: 0, paidAt: undefined };
    expectSameFacts(readInvoice, render(upcoming), { id: null, hostedInvoiceUrl: null, status: 'draft' });
    expectSameFacts(readInvoice, render({ ...upcoming, status: null }), { id: null, status: 'draft' });
  });

  it('pass on a status that Stripe has yet to invent', () => {
    for (const status of ['deleted', 'forgiven']) {
      expectSameFacts(readInvoice, render({ ...paid, status }), { status });
    }
  });

  it('name no subscription where there is none', () => {
    const story = {
      ...paid,
      subscription: undefined,
      billingReason: 'manual',
      lines: [{ ...ownLine, kind: 'item' as const, subscription: undefined }],
    };
    expectSameFacts(readInvoice, render(story), { subscriptionId: null, servicePeriod: null });
  });

  it('find the subscription on a line where the invoice does not name it', () => {
    expectSameFacts(readInvoice, render({ ...paid, subscription: undefined }), { subscriptionId: 'sub_1' });
  });

  it('name what is referred to whether it is an id, expanded, or deleted', () => {
    const expanded: StripeObject = {
      ...renderInvoice(paid, { ...lastOld, at: 'now' }),
      customer: renderDeletedCustomer('cus_1'),
      subscription: { id: 'sub_1', object: 'subscription' },
      charge: { id: 'ch_1', object: 'charge' },
      payment_intent: { id: 'pi_1', object: 'payment_intent' },
    };
    const facts = { customerId: 'cus_1', subscriptionId: 'sub_1', chargeId: 'ch_1', intentId: 'pi_1' };
    expect(readInvoice(expanded)).to.deep.include(facts);
    const parent = {
      type: 'subscription_details',
      subscription_details: { subscription: { id: 'sub_1', object: 'subscription' }, metadata: null },
    };
    expect(readInvoice({ ...expanded, parent })).to.deep.include({ ...facts, subscriptionMetadata: {} });
  });

  describe('service period', () => {
    const leftover: LineStory = {
      ...ownLine,
      kind: 'item',
      proration: true,
      amount: -500,
      start: at('2026-06-15T10:00:00'),
      end: at('2027-06-15T10:00:00'),
    };
    const stories: readonly (readonly [title: string, lines: readonly LineStory[], end: string | null])[] = [
      ['is that of the subscription line, not of a proration', [leftover, ownLine], '2026-07-01T10:00:00'],
      ['is unknown where there are only prorations', [leftover], null],
      [
        'is not that of a proration on a subscription item (flexible billing)',
        [{ ...leftover, kind: 'subscription' }, ownLine],
        '2026-07-01T10:00:00',
      ],
      [
        'is not that of a metered line, which bills what is over',
        [
          {
            ...ownLine,
            metered: true,
            start: at('2026-05-01T10:00:00'),
            end: at('2026-06-01T10:00:00'),
          },
          ownLine,
        ],
        '2026-07-01T10:00:00',
      ],
      ['is unknown where there are no lines', [], null],
    ];
    for (const [title, lines, end] of stories) {
      it(title, () => {
        for (const order of [lines, [...lines].reverse()]) {
          expectSameFacts(readInvoice, render({ ...paid, lines: order }), {
            servicePeriod: end === null ? null : { start: date('2026-06-01T10:00:00'), end: date(end) },
          });
        }
      });
    }
  });

  describe('what paid it, read by API with the payments expanded', () => {
    const story = { ...paid, paymentsExpanded: true };

    function withPayments(rendering: Rendering, payments: readonly StripeObject[]): StripeObject {
      return { ...renderInvoice(paid, rendering), payments: listed('/v1/invoice_payments', payments) };
    }

    it('is the intent that the payment names', () => {
      for (const rendering of RENDERINGS) {
        expect(readInvoice(renderInvoice(story, rendering)).intentId, rendering.version).to.equal('pi_1');
      }
    });

    it('is known with the reason of its last failure where the intent was expanded too', () => {
      const declined = {
        id: 'pi_1',
        object: 'payment_intent',
        last_payment_error: {
          type: 'card_error',
          code: 'card_declined',
          decline_code: 'insufficient_funds',
          message: 'Your card has insufficient funds.',
        },
      };
      const payment = { is_default: true, status: 'open', payment: { payment_intent: declined } };
      for (const rendering of RENDERINGS) {
        const object: StripeObject = tells.old(rendering)
          ? { ...renderInvoice(paid, rendering), payment_intent: declined }
          : withPayments(rendering, [payment]);
        expect(readInvoice(object), rendering.version).to.deep.include({
          intentId: 'pi_1',
          failureReason: 'Your card has insufficient funds.',
        });
      }
    });

    it('is the payment that went through, of several', () => {
      const canceled = { status: 'canceled', is_default: false, payment: { payment_intent: 'pi_0' } };
      const elsewhere = { status: 'paid', is_default: false, payment: { payment_record: 'prec_1' } };
      const done = { status: 'paid', is_default: false, payment: { payment_intent: 'pi_1' } };
      const open = { status: 'open', is_default: true, payment: { payment_intent: 'pi_2' } };
      const cases: readonly (readonly [payments: readonly StripeObject[], intent: string | null])[] = [
        [[canceled, done], 'pi_1'],
        [[elsewhere, done], 'pi_1'],
        [[open, done], 'pi_1'],
        [[canceled, open], 'pi_2'],
        [[elsewhere], null],
        [[], null],
      ];
      for (const [payments, intent] of cases) {
        for (const order of [payments, [...payments].reverse()]) {
          expect(readInvoice(withPayments(today, order)).intentId).to.equal(intent);
        }
      }
    });

    it('may be a charge without an intent', () => {
      const charged = { status: 'paid', is_default: true, payment: { type: 'charge', charge: 'ch_9' } };
      expect(readInvoice(withPayments(today, [charged]))).to.deep.include({
        intentId: null,
        chargeId: 'ch_9',
      });
    });
  });

  describe('of an unknown shape', () => {
    const object = renderInvoice(paid, today);
    const cases: readonly (readonly [what: string, odd: unknown, field: string])[] = [
      ['an amount as text', { ...object, amount_due: '9.99' }, 'amount_due'],
      ['no currency', { ...object, currency: undefined }, 'currency'],
      ['a line without period', { ...object, lines: listed('/', [{ id: 'il_1' }]) }, 'lines.data.0.period'],
      ['no mode', { ...object, livemode: undefined }, 'livemode'],
    ];
    for (const [what, odd, field] of cases) {
      it(`are refused for good, naming object and field: ${what}`, () => {
        expectRefusal(readInvoice, odd, ['invoice in_1', field]);
      });
    }
  });
});
