import { expect } from 'chai';
import { useApi } from './support/api.ts';

type Row = {
  user: number;
  amount: number;
  currency?: string;
  status?: string;
  at?: string;
  refunded?: number;
  reason?: string;
  awaiting?: boolean;
};

describe('Payments', () => {
  const api = useApi();
  let sequence = 0;

  async function addPayments(...rows: Row[]): Promise<void> {
    for (const {
      user,
      amount,
      currency = 'eur',
      status = 'succeeded',
      at = '2026-03-01 10:00:00',
      ...rest
    } of rows) {
      sequence += 1;
      await api().query(
        `insert into payments (user_id, stripe_payment_intent_id, amount, currency, status, created_at,
           amount_refunded, failure_reason, awaiting_invoice, payment_method_type)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'card')`,
        [
          user,
          `pi_${sequence}`,
          amount,
          currency,
          status,
          at,
          rest.refunded ?? 0,
          rest.reason ?? null,
          rest.awaiting ?? false,
        ],
      );
    }
  }

  async function stats(user: number) {
    return (await api().ask('/api/stripe/payment/stats', { as: user })).body.data;
  }

  before(async () => {
    for (const id of [1, 2, 3, 4, 5]) await api().addUser(id);
    await addPayments(
      { user: 1, amount: 999, at: '2026-03-01 10:00:00' },
      {
        user: 1,
        amount: 999,
        at: '2026-07-01 23:30:00',
        status: 'failed',
        reason: 'Your card was declined.',
      },
      { user: 1, amount: 500, currency: 'jpy', at: '2026-05-01 10:00:00' },
      { user: 1, amount: 12_340, currency: 'kwd', at: '2026-06-01 10:00:00', refunded: 1_230 },
      { user: 1, amount: 999, at: '2026-08-01 10:00:00', awaiting: true },
      { user: 2, amount: 77, at: '2026-04-01 10:00:00' },
    );
  });

  describe('history', () => {
    it("shows a user's own payments, newest first, in major units and UTC", async () => {
      const answer = await api().ask('/api/stripe/payment/history', { as: 1 });
      expect(answer.status).to.equal(200);
      expect(answer.body.success).to.equal(true);
      const { payments, ...rest } = answer.body.data;
      expect(rest).to.deep.equal({ limit: 10, offset: 0, total: 4 });
      expect(
        payments.map((payment: { amount: number; currency: string }) => [payment.amount, payment.currency]),
      ).to.deep.equal([
        [9.99, 'eur'],
        [12.34, 'kwd'],
        [500, 'jpy'],
        [9.99, 'eur'],
      ]);
      expect(payments[0]).to.deep.equal({
        id: payments[0].id,
        amount: 9.99,
        currency: 'eur',
        status: 'failed',
        payment_method_type: 'card',
        created_at: '2026-07-01T23:30:00.000Z',
        failure_reason: 'Your card was declined.',
      });
      expect(payments[0].id).to.match(/^\d+$/);
      expect(payments[1].amount_refunded).to.equal(1.23);
      expect(payments[3]).not.to.have.any.keys('failure_reason', 'amount_refunded');
    });

    it('is paged', async () => {
      const { body } = await api().ask('/api/stripe/payment/history?limit=2&offset=3', { as: 1 });
      expect(body.data).to.include({ limit: 2, offset: 3, total: 4 });
      expect(body.data.payments).to.have.length(1);
    });

    it('is empty for who never paid', async () => {
      const { body } = await api().ask('/api/stripe/payment/history', { as: 3 });
      expect(body.data).to.deep.equal({ payments: [], limit: 10, offset: 0, total: 0 });
    });

    for (const query of [
      'limit=0',
      'limit=101',
      'limit=-1',
      'limit=ten',
      'limit=0x10',
      'limit=1e1',
      'limit=',
      'limit=1&limit=2',
      'offset=-1',
      'offset=1.5',
      'offset=99999999999',
    ]) {
      it(`refuses ?${query}`, async () => {
        const answer = await api().ask(`/api/stripe/payment/history?${query}`, { as: 1 });
        expect(answer.status).to.equal(400);
        expect(answer.body).to.include({ success: false, code: 'invalid_query' });
      });
    }
  });

  describe('stats', () => {
    it('never add two currencies together', async () => {
      await addPayments(
        { user: 4, amount: 999 },
        { user: 4, amount: 999, refunded: 999 },
        { user: 4, amount: 999, status: 'failed' },
        { user: 4, amount: 1_200, currency: 'usd' },
        { user: 4, amount: 1_200, currency: 'usd', status: 'canceled' },
        { user: 4, amount: 1_200, currency: 'USD', status: 'pending' },
        { user: 4, amount: 5_000, awaiting: true },
      );
      expect(await stats(4)).to.deep.equal({
        total_payments: 6,
        successful_payments: 3,
        total_amount_paid: 19.98,
        currency: 'eur',
        success_rate: 50,
        by_currency: {
          eur: { total_payments: 3, successful_payments: 2, total_amount_paid: 19.98, amount_refunded: 9.99 },
          usd: { total_payments: 3, successful_payments: 1, total_amount_paid: 12, amount_refunded: 0 },
        },
      });
    });

    it('take the currency with most payments, then the first by name, when successes are equal', async () => {
      await addPayments(
        { user: 5, amount: 100, currency: 'usd' },
        { user: 5, amount: 100, currency: 'eur' },
        { user: 5, amount: 100, currency: 'chf' },
      );
      expect(await stats(5)).to.include({ currency: 'chf', total_amount_paid: 1, success_rate: 100 });
      await addPayments({ user: 5, amount: 100, currency: 'usd', status: 'failed' });
      expect(await stats(5)).to.include({ currency: 'usd', success_rate: 75 });
    });

    it('have at most two decimals', async () => {
      await addPayments({ user: 2, amount: 1, status: 'failed' }, { user: 2, amount: 1, status: 'failed' });
      expect((await stats(2)).success_rate).to.equal(33.33);
    });

    it('are zero for who never paid', async () => {
      expect(await stats(3)).to.deep.equal({
        total_payments: 0,
        successful_payments: 0,
        total_amount_paid: 0,
        currency: null,
        success_rate: 0,
        by_currency: {},
      });
    });
  });
});
