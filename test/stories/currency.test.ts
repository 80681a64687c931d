import { expect } from 'chai';
import { story } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, monthsAfter } from './support/time.ts';
import { PRICE_MENSUEL, type World } from './support/world.ts';

/** Our product at a monthly price in another currency. */
async function priceIn(world: World, currency: string, minorUnits: number): Promise<string> {
  const { product } = await world.stripe.prices.retrieve(PRICE_MENSUEL);
  const { id } = await world.stripe.prices.create({
    currency,
    unit_amount: minorUnits,
    recurring: { interval: 'month' },
    product: String(product),
  });
  return id;
}

const CURRENCIES = [
  { currency: 'jpy', decimals: 'no', minorUnits: 1_200, amount: 1_200, part: 500, back: 500 },
  { currency: 'kwd', decimals: 'three', minorUnits: 3_450, amount: 3.45, part: 1_250, back: 1.25 },
] as const;

describe('A subscription', () => {
  for (const { currency, decimals, minorUnits, amount, part, back } of CURRENCIES) {
    it(
      `in ${currency.toUpperCase()}, a currency with ${decimals} decimals, is told in its own units`,
      story(async (world) => {
        const user = await world.member();
        const customer = await user.becomesCustomer();
        const end = monthsAfter(world.now, 1);
        const price = await priceIn(world, currency, minorUnits);

        const { id } = world.sandbox.createSubscription({ customer, price, card: 'succeeds' });
        await world.settle();

        expect(await user.account()).to.deep.include({
          reason: 'active',
          until: end,
          plan: 'mensuel',
          payments: [`${amount} ${currency} succeeded`],
        });
        expect(await world.rows.payment()).to.include({ amount: minorUnits, currency });
        expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
        expect(user.latest('payment_succeeded')).to.include({ amount, currency });

        world.sandbox.refund({ of: id, amount: part });
        await world.settle();

        expect((await user.account()).payments).to.deep.equal([
          `${amount} ${currency} succeeded, ${back} back`,
        ]);
        expect(user.latest('payment_refunded')).to.include({ amount: back, currency });

        world.sandbox.setCard({ customer, card: 'declined' });
        await world.advanceTo(end);
        await world.advance(HOUR);
        expect(user.latest('payment_failed')).to.include({ amount, currency });
      }),
    );
  }
});

describe('Payments in two currencies', () => {
  it(
    'are never added up',
    story(async (world) => {
      const { user, id, customer } = await subscriber(world);
      world.sandbox.cancelNow({ subscription: id });
      await world.advance(DAY);
      const price = await priceIn(world, 'jpy', 1_200);
      world.sandbox.createSubscription({ customer, price, card: 'succeeds' });
      await world.settle();

      const { body } = await user.get('/api/stripe/payment/stats');

      expect(body.data).to.deep.include({
        total_payments: 2,
        successful_payments: 2,
        success_rate: 100,
        by_currency: {
          eur: { total_payments: 1, successful_payments: 1, total_amount_paid: 9.99, amount_refunded: 0 },
          jpy: { total_payments: 1, successful_payments: 1, total_amount_paid: 1_200, amount_refunded: 0 },
        },
      });
      expect((await user.account()).payments).to.deep.equal(['1200 jpy succeeded', '9.99 eur succeeded']);
    }),
  );
});
