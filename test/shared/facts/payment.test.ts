import { expect } from 'chai';
import {
  readCharge,
  readDispute,
  readIntent,
  readInvoicePayment,
  readRefund,
} from '../../../src/shared/stripe/facts/index.ts';
import {
  type IntentStory,
  RENDERINGS,
  type Rendering,
  renderCharge,
  renderDispute,
  renderIntent,
  renderInvoicePayment,
  renderRefund,
  tells,
} from '../../support/fixtures/stripe-shapes.ts';
import { at, date, expectRefusal, expectSameFacts, overTheWire } from './support.ts';

const today: Rendering = { era: 'G', version: '2026-10-28.endive', at: 'now' };
const created = at('2026-06-01T11:00:38');

describe('facts of a payment intent', () => {
  const succeeded: IntentStory = {
    id: 'pi_1',
    customer: 'cus_1',
    invoice: 'in_1',
    charge: 'ch_1',
    status: 'succeeded',
    amount: 999,
    currency: 'eur',
    created,
    methodType: 'card',
    metadata: { order: '7' },
  };

  it('are the same in every API version, as far as each tells', () => {
    expectSameFacts(
      readIntent,
      (rendering) => renderIntent(succeeded, rendering),
      (rendering) => ({
        id: 'pi_1',
        customerId: 'cus_1',
        invoiceId: tells.old(rendering) ? 'in_1' : null,
        status: 'succeeded',
        amount: 999,
        currency: 'eur',
        created: date('2026-06-01T11:00:38'),
        chargeId: 'ch_1',
        paymentMethodType: 'card',
        failureReason: null,
        metadata: { order: '7' },
        livemode: false,
      }),
    );
  });

  it('name the first charge of the list where that is all there is', () => {
    const stored: Rendering = { era: 'A', version: '2020-03-02', at: 'then' };
    const charges = { object: 'list', data: [{ id: 'ch_newest' }, { id: 'ch_older' }], has_more: false };
    const object = { ...renderIntent(succeeded, stored), charges };
    expect(object).not.to.have.property('latest_charge');
    expect(readIntent(object).chargeId).to.equal('ch_newest');
    expect(readIntent({ ...object, latest_charge: 'ch_latest' }).chargeId).to.equal('ch_latest');
  });

  it('know no charge before there is one', () => {
    expectSameFacts(
      readIntent,
      (rendering) =>
        renderIntent({ ...succeeded, status: 'requires_payment_method', charge: undefined }, rendering),
      { chargeId: null, status: 'requires_payment_method' },
    );
  });

  it('name what is referred to where it was expanded', () => {
    for (const rendering of RENDERINGS) {
      const object = {
        ...renderIntent(succeeded, rendering),
        latest_charge: { id: 'ch_1', object: 'charge' },
        customer: { id: 'cus_1', object: 'customer', deleted: true },
      };
      expect(readIntent(object)).to.deep.include({ chargeId: 'ch_1', customerId: 'cus_1' });
    }
  });

  it('count what was received once it succeeded, and what is asked for until then', () => {
    const partly = { ...succeeded, received: 500 };
    expectSameFacts(readIntent, (rendering) => renderIntent(partly, rendering), { amount: 500 });
    const open = { ...partly, status: 'processing' };
    expectSameFacts(readIntent, (rendering) => renderIntent(open, rendering), { amount: 999 });
  });

  for (const [failure, reason] of [
    [
      { code: 'card_declined', declineCode: 'insufficient_funds', message: 'Insufficient funds.' },
      'Insufficient funds.',
    ],
    [{ code: 'card_declined', declineCode: 'insufficient_funds' }, 'insufficient_funds'],
    [{ code: 'authentication_required' }, 'authentication_required'],
  ] as const) {
    it(`give the reason of a failure: ${reason}`, () => {
      const failed = { ...succeeded, status: 'requires_payment_method', methodType: 'sepa_debit', failure };
      expectSameFacts(readIntent, (rendering) => renderIntent(failed, rendering), {
        failureReason: reason,
        paymentMethodType: 'sepa_debit',
      });
    });
  }

  it('write currencies in lower case and pass on unknown statuses', () => {
    const odd = { ...succeeded, currency: 'EUR', status: 'in_orbit' };
    expectSameFacts(readIntent, (rendering) => renderIntent(odd, rendering), {
      currency: 'eur',
      status: 'in_orbit',
    });
  });

  it('are refused for good where the shape is unknown, naming object and field', () => {
    const object = renderIntent(succeeded, today);
    expectRefusal(readIntent, { ...object, amount: '999' }, ['payment intent pi_1', 'amount']);
    expectRefusal(readIntent, { ...object, status: null }, ['payment intent pi_1', 'status']);
    expectRefusal(readIntent, { ...object, latest_charge: 7 }, ['payment intent pi_1', 'latest_charge']);
  });
});

describe('facts of a charge', () => {
  const charge = {
    id: 'ch_1',
    customer: 'cus_1',
    intent: 'pi_1',
    invoice: 'in_1',
    amount: 999,
    refunded: 300,
    currency: 'eur',
    created,
    methodType: 'card',
  };

  it('are the same in every API version, as far as each tells', () => {
    expectSameFacts(
      readCharge,
      (rendering) => renderCharge(charge, rendering),
      (rendering) => ({
        id: 'ch_1',
        customerId: 'cus_1',
        intentId: 'pi_1',
        invoiceId: tells.old(rendering) ? 'in_1' : null,
        amountCaptured: 999,
        amountRefunded: 300,
        currency: 'eur',
        created: date('2026-06-01T11:00:38'),
        paymentMethodType: 'card',
        livemode: false,
      }),
    );
  });

  it('know a guest without customer and a charge without intent', () => {
    const alone = { ...charge, customer: undefined, intent: undefined, invoice: undefined };
    expectSameFacts(readCharge, (rendering) => renderCharge(alone, rendering), {
      customerId: null,
      intentId: null,
      invoiceId: null,
    });
  });

  it('are refused for good where the shape is unknown, naming object and field', () => {
    const { amount_refunded: _, ...odd } = renderCharge(charge, today);
    expectRefusal(readCharge, odd, ['charge ch_1', 'amount_refunded']);
  });
});

describe('facts of a refund', () => {
  const refund = {
    id: 're_1',
    charge: 'ch_1',
    intent: 'pi_1',
    amount: 300,
    currency: 'eur',
    status: 'succeeded',
    created,
  };

  for (const status of ['pending', 'requires_action', 'succeeded', 'failed', 'canceled', 'teleported']) {
    it(`are the same in every API version: ${status}`, () => {
      expectSameFacts(readRefund, (rendering) => renderRefund({ ...refund, status }, rendering), {
        id: 're_1',
        chargeId: 'ch_1',
        intentId: 'pi_1',
        amount: 300,
        currency: 'eur',
        status,
        created: date('2026-06-01T11:00:38'),
      });
    });
  }

  it('are refused for good where the shape is unknown, naming object and field', () => {
    const odd = { ...renderRefund(refund, today), charge: ['ch_1'] };
    expectRefusal(readRefund, odd, ['refund re_1', 'charge']);
  });
});

describe('facts of a dispute', () => {
  const dispute = {
    id: 'du_1',
    charge: 'ch_1',
    intent: 'pi_1',
    amount: 999,
    currency: 'eur',
    status: 'needs_response',
    reason: 'fraudulent',
    created,
    dueBy: at('2026-06-20T23:59:59'),
  };

  it('are the same in every API version', () => {
    expectSameFacts(readDispute, (rendering) => renderDispute(dispute, rendering), {
      id: 'du_1',
      chargeId: 'ch_1',
      intentId: 'pi_1',
      amount: 999,
      currency: 'eur',
      status: 'needs_response',
      reason: 'fraudulent',
      created: date('2026-06-01T11:00:38'),
      evidenceDueBy: date('2026-06-20T23:59:59'),
      livemode: false,
    });
  });

  for (const status of ['warning_closed', 'charge_refunded', 'prevented', 'appeal_under_review']) {
    it(`pass on ${status}, which only some versions know, and do without a deadline`, () => {
      const story = { ...dispute, status, dueBy: undefined };
      expectSameFacts(readDispute, (rendering) => renderDispute(story, rendering), {
        status,
        evidenceDueBy: null,
      });
    });
  }

  it('are refused for good where the shape is unknown, naming object and field', () => {
    const odd = { ...renderDispute(dispute, today), evidence_details: { due_by: 'soon' } };
    expectRefusal(readDispute, odd, ['dispute du_1', 'evidence_details.due_by']);
  });
});

describe('facts of an invoice payment', () => {
  const story = { id: 'inpay_1', invoice: 'in_1', status: 'paid', amountPaid: 999, currency: 'eur', created };

  it('link an invoice to the intent that paid it', () => {
    expect(readInvoicePayment(overTheWire(renderInvoicePayment({ ...story, intent: 'pi_1' })))).to.deep.equal(
      {
        id: 'inpay_1',
        invoiceId: 'in_1',
        intentId: 'pi_1',
        chargeId: null,
        status: 'paid',
        amountPaid: 999,
        currency: 'eur',
        created: date('2026-06-01T11:00:38'),
        livemode: false,
      },
    );
  });

  it('know payments by a charge alone, or by nothing of Stripe at all', () => {
    expect(readInvoicePayment(renderInvoicePayment({ ...story, charge: 'ch_1' }))).to.deep.include({
      intentId: null,
      chargeId: 'ch_1',
    });
    expect(readInvoicePayment(renderInvoicePayment({ ...story, record: 'prec_1' }))).to.deep.include({
      intentId: null,
      chargeId: null,
    });
  });

  it('name what was expanded, and an amount that is not paid yet', () => {
    const open = renderInvoicePayment({ ...story, status: 'open', amountPaid: null });
    const object = {
      ...open,
      invoice: { id: 'in_1', object: 'invoice', deleted: true },
      payment: { type: 'payment_intent', payment_intent: { id: 'pi_1', object: 'payment_intent' } },
    };
    expect(readInvoicePayment(object)).to.deep.include({
      invoiceId: 'in_1',
      intentId: 'pi_1',
      status: 'open',
      amountPaid: null,
    });
  });

  it('are refused for good where the shape is unknown, naming object and field', () => {
    const object = renderInvoicePayment(story);
    expectRefusal(readInvoicePayment, { ...object, invoice: null }, ['invoice payment inpay_1', 'invoice']);
    expectRefusal(readInvoicePayment, { ...object, payment: undefined }, ['inpay_1', 'payment']);
  });
});
