import { expect } from 'chai';
import { story, storyWith } from './support/story.ts';
import { HOUR, monthsAfter } from './support/time.ts';
import type { World } from './support/world.ts';

const withCodes = storyWith.bind(null, { env: { CHECKOUT_ALLOW_PROMOTION_CODES: 'true' } });

/** A coupon, and the code that customers type for it. */
async function promotion(
  world: World,
  code: string,
  terms: { percent_off: number; duration: 'once' | 'forever' },
): Promise<void> {
  const coupon = await world.stripe.coupons.create(terms);
  await world.stripe.promotionCodes.create({ code, promotion: { type: 'coupon', coupon: coupon.id } });
}

describe('A promotion code', () => {
  it(
    'makes the first payment smaller and the next one whole',
    withCodes(async (world) => {
      await promotion(world, 'MOITIE', { percent_off: 50, duration: 'once' });
      const user = await world.member();
      const end = monthsAfter(world.now, 1);

      await user.pays(await user.beginCheckout(), { promo: 'MOITIE' });

      expect(await user.account()).to.deep.include({
        reason: 'active',
        until: end,
        payments: ['4.99 eur succeeded'],
      });
      expect(user.latest('payment_succeeded')).to.include({ amount: 4.99 });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);

      await world.advanceTo(end);
      await world.advance(HOUR);

      expect((await user.account()).payments).to.deep.equal(['9.99 eur succeeded', '4.99 eur succeeded']);
    }),
  );

  it(
    'for the whole first month is premium without a payment, and the next month is paid',
    withCodes(async (world) => {
      await promotion(world, 'OFFERT', { percent_off: 100, duration: 'once' });
      const user = await world.member();
      const end = monthsAfter(world.now, 1);

      await user.pays(await user.beginCheckout(), { promo: 'OFFERT' });

      expect(await user.account()).to.deep.equal({
        reason: 'active',
        until: end,
        plan: 'mensuel',
        status: 'active',
        ending: false,
        payments: [],
      });
      expect(await world.rows.payments()).to.deep.equal([]);
      expect(user.news()).to.deep.equal(['premium_activated']);

      await world.advanceTo(end);
      await world.advance(HOUR);

      expect(await user.account()).to.deep.include({
        until: monthsAfter(end, 1),
        payments: ['9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['payment_succeeded']);
    }),
  );

  it(
    'for everything, for ever, renews premium without a payment or a word',
    withCodes(async (world) => {
      await promotion(world, 'AMIS', { percent_off: 100, duration: 'forever' });
      const user = await world.member();
      const end = monthsAfter(world.now, 1);
      await user.pays(await user.beginCheckout(), { promo: 'AMIS' });
      user.news();

      await world.advanceTo(end);
      await world.advance(HOUR);

      expect(await user.account()).to.deep.include({
        reason: 'active',
        until: monthsAfter(end, 1),
        payments: [],
      });
      expect(await world.rows.payments()).to.deep.equal([]);
      expect(user.news()).to.deep.equal([]);
    }),
  );

  it(
    'is not taken where the configuration does not offer it',
    story(async (world) => {
      await promotion(world, 'MOITIE', { percent_off: 50, duration: 'once' });
      const user = await world.member();
      const session = await user.beginCheckout();

      const { outcome } = world.sandbox.completeCheckout({ session, promo: 'MOITIE' });

      expect(outcome).to.equal('invalid');
    }),
  );
});

describe('Automatic tax', () => {
  it(
    'is asked of Stripe where the configuration says so, for users and guests alike',
    storyWith({ env: { CHECKOUT_AUTOMATIC_TAX: 'true' } }, async (world) => {
      const user = await world.member();
      const session = await user.beginCheckout();
      const guest = await fetch(`${world.gatewayUrl}/api/stripe/create-checkout-session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ plan: 'mensuel' }),
      });
      expect(guest.status).to.equal(200);

      await user.pays(session);

      const { stripeInvoiceId } = await world.rows.payment();
      const invoice = await world.stripe.invoices.retrieve(String(stripeInvoiceId));
      // Prices in euro include their tax: 9.99 / 1.2 = 8.33 and 1.67 (rounded) of tax.
      expect(invoice.automatic_tax.enabled).to.equal(true);
      expect(invoice.total_taxes?.map(({ amount }) => amount)).to.deep.equal([167]);
      expect(await user.account()).to.deep.include({ reason: 'active', payments: ['9.99 eur succeeded'] });
      expect(user.news()).to.deep.equal(['payment_succeeded', 'premium_activated']);
    }),
  );
});
