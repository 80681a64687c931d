import { expect } from 'chai';
import { readCheckoutSession, readCustomer, readEvent } from '../../../src/shared/stripe/facts/index.ts';
import {
  type CheckoutStory,
  RENDERINGS,
  type Rendering,
  renderCheckoutSession,
  renderCustomer,
  renderDeletedCustomer,
  renderEvent,
  tells,
} from '../../support/fixtures/stripe-shapes.ts';
import { at, date, expectRefusal, expectSameFacts, overTheWire } from './support.ts';

const today: Rendering = { era: 'G', version: '2026-10-28.endive', at: 'now' };

describe('facts of a checkout session', () => {
  const bought: CheckoutStory = {
    id: 'cs_1',
    mode: 'subscription',
    status: 'complete',
    paymentStatus: 'paid',
    customer: 'cus_1',
    subscription: 'sub_1',
    clientReference: '42',
    typedEmail: 'typed@example.org',
    prefilledEmail: 'prefilled@example.org',
    created: at('2026-06-01T10:00:00'),
    expires: at('2026-06-02T10:00:00'),
    metadata: { user_id: '42', plan: 'mensuel' },
  };

  it('name the first invoice and what is due, where a debit leaves it unpaid', () => {
    const object = renderCheckoutSession({ ...bought, paymentStatus: 'unpaid' }, today);
    expect(
      readCheckoutSession({ ...object, invoice: 'in_1', amount_total: 999, currency: 'EUR' }),
    ).to.include({ paymentStatus: 'unpaid', invoiceId: 'in_1', amountTotal: 999, currency: 'eur' });
  });

  it('are the same in every API version, as far as each tells', () => {
    expectSameFacts(
      readCheckoutSession,
      (rendering) => renderCheckoutSession(bought, rendering),
      (rendering) => ({
        id: 'cs_1',
        mode: 'subscription',
        status: tells.sessionStatus(rendering) ? 'complete' : null,
        paymentStatus: tells.paymentStatus(rendering) ? 'paid' : null,
        customerId: 'cus_1',
        subscriptionId: 'sub_1',
        clientReferenceId: '42',
        email: tells.customerDetails(rendering) ? 'typed@example.org' : 'prefilled@example.org',
        created: tells.sessionStatus(rendering) ? date('2026-06-01T10:00:00') : null,
        expiresAt: tells.sessionStatus(rendering) ? date('2026-06-02T10:00:00') : null,
        metadata: { user_id: '42', plan: 'mensuel' },
        livemode: false,
      }),
    );
  });

  it('know nobody where a guest has not paid yet', () => {
    const begun = {
      ...bought,
      status: 'open',
      paymentStatus: 'unpaid',
      customer: undefined,
      subscription: undefined,
      clientReference: undefined,
      typedEmail: undefined,
      prefilledEmail: undefined,
      metadata: undefined,
    };
    expectSameFacts(readCheckoutSession, (rendering) => renderCheckoutSession(begun, rendering), {
      customerId: null,
      subscriptionId: null,
      clientReferenceId: null,
      email: null,
      metadata: {},
    });
  });

  it('name what is referred to where it was expanded', () => {
    for (const rendering of RENDERINGS) {
      const object = {
        ...renderCheckoutSession(bought, rendering),
        customer: renderDeletedCustomer('cus_1'),
        subscription: { id: 'sub_1', object: 'subscription' },
      };
      expect(readCheckoutSession(object)).to.deep.include({ customerId: 'cus_1', subscriptionId: 'sub_1' });
    }
  });

  it('are refused for good where the shape is unknown, naming object and field', () => {
    const odd = { ...renderCheckoutSession(bought, today), metadata: { plan: 1 } };
    expectRefusal(readCheckoutSession, odd, ['checkout session cs_1', 'metadata.plan']);
  });
});

describe('facts of a customer', () => {
  const ada = { id: 'cus_1', email: 'ada@example.org', metadata: { user_id: '42' } };

  it('are the same in every API version', () => {
    expectSameFacts(readCustomer, (rendering) => renderCustomer(ada, rendering), {
      id: 'cus_1',
      email: 'ada@example.org',
      deleted: false,
      metadata: { user_id: '42' },
    });
  });

  it('do without an address', () => {
    expectSameFacts(readCustomer, (rendering) => renderCustomer({ ...ada, email: null }, rendering), {
      email: null,
    });
  });

  it('tell a deleted one by its flag, which the event of its deletion does not have', () => {
    expect(readCustomer(renderDeletedCustomer('cus_1'))).to.deep.equal({
      id: 'cus_1',
      email: null,
      deleted: true,
      metadata: {},
    });
    expectSameFacts(
      (object) => readCustomer(readEvent(object).object),
      (rendering) =>
        renderEvent(
          { id: 'evt_1', type: 'customer.deleted', created: at('2026-06-01T10:00:00') },
          renderCustomer(ada, rendering),
          rendering,
        ),
      { id: 'cus_1', email: 'ada@example.org', deleted: false },
    );
  });

  it('are refused for good where the shape is unknown, naming object and field', () => {
    expectRefusal(readCustomer, { ...renderCustomer(ada, today), email: 5 }, ['customer cus_1', 'email']);
  });
});

describe('facts of an event', () => {
  const event = { id: 'evt_1', type: 'customer.created', created: at('2026-06-01T10:00:00') };
  const customer = renderCustomer({ id: 'cus_1', email: null }, today);

  it('are the same in every API version', () => {
    expectSameFacts(
      readEvent,
      (rendering) => renderEvent(event, customer, rendering),
      (rendering) => ({
        id: 'evt_1',
        type: 'customer.created',
        created: date('2026-06-01T10:00:00'),
        livemode: false,
        apiVersion: rendering.era === 'A' ? null : rendering.version,
        object: customer,
      }),
    );
  });

  it('are refused for good where it is a thin event or none, naming object and field', () => {
    const thin = { id: 'evt_2', object: 'v2.core.event', type: 'v1.customer.created', related_object: {} };
    expectRefusal(readEvent, overTheWire(thin), ['event evt_2', 'object', 'data']);
    expectRefusal(readEvent, 'hello', ['event without id', '(top)']);
  });
});
