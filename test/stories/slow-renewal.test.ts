import { expect } from 'chai';
import { askAdmin } from './support/operator.ts';
import { passes } from './support/passing.ts';
import { story, storyWith } from './support/story.ts';
import { type Subscriber, subscriber } from './support/subscriber.ts';
import { DAY, HOUR, later, MINUTE, monthsAfter } from './support/time.ts';
import type { World } from './support/world.ts';

/** Ten minutes before the period ends, when the sweep has looked. */
async function beforeTheEnd(world: World, { user, end }: Subscriber): Promise<void> {
  await world.advanceTo(later(end, -10 * MINUTE));
  await world.maintain({ task: 'sweep' });
  user.news();
}

async function attention(world: World): Promise<Record<string, unknown[]>> {
  return (await askAdmin(world, 'GET', '/api/admin/attention')).body.data ?? {};
}

describe('A renewal whose invoice stays a draft', () => {
  for (const hours of [24, 72]) {
    it(
      `for ${hours} hours never interrupts premium`,
      story(async (world) => {
        const buyer = await subscriber(world);
        const { user, end } = buyer;
        world.sandbox.holdDrafts({ seconds: hours * HOUR });
        await beforeTheEnd(world, buyer);

        for (let hour = 0; hour < hours; hour += 3) {
          await passes(world, 3 * HOUR, HOUR);
          expect((await user.account()).reason).to.be.oneOf(['payment_pending', 'active']);
        }
        expect(user.news()).to.deep.equal([]);
        expect((await user.account()).until).to.deep.equal(later(end, 14 * DAY));
        await world.advance(HOUR);

        expect(await user.account()).to.deep.include({ reason: 'active', until: monthsAfter(end, 1) });
        expect(user.news()).to.deep.equal(['payment_succeeded']);
      }),
    );
  }

  it(
    'and then fails has its grace from the failure',
    story(async (world) => {
      const buyer = await subscriber(world, 'mensuel', 'failsLater');
      const { user, end } = buyer;
      world.sandbox.holdDrafts({ seconds: 72 * HOUR });
      await beforeTheEnd(world, buyer);
      await passes(world, 72 * HOUR + 10 * MINUTE, 6 * HOUR);

      expect(await user.account()).to.deep.include({
        reason: 'grace',
        until: later(end, 72 * HOUR + 3 * DAY),
      });
      expect(user.news()).to.deep.equal(['payment_failed']);
    }),
  );

  it(
    'is not promised to anybody who has cancelled for its end',
    story(async (world) => {
      const buyer = await subscriber(world);
      const { user, id, end } = buyer;
      world.sandbox.holdDrafts({ seconds: 72 * HOUR });
      world.sandbox.cancelAtPeriodEnd({ subscription: id });
      await world.settle();
      await beforeTheEnd(world, buyer);
      await world.advanceTo(later(end, HOUR));

      expect(await user.account()).to.deep.include({ reason: 'none', until: end });
      expect(user.news()).to.deep.equal(['premium_cancelled']);
    }),
  );

  it(
    'is not promised where somebody voids it',
    story(async (world) => {
      const buyer = await subscriber(world);
      const { user, id, end } = buyer;
      await beforeTheEnd(world, buyer);
      await world.advanceTo(end);
      const { latest_invoice: invoice } = await world.stripe.subscriptions.retrieve(id);

      await world.stripe.invoices.finalizeInvoice(String(invoice), { auto_advance: false });
      await world.settle();
      expect(await user.account()).to.deep.include({
        reason: 'payment_pending',
        payments: ['9.99 eur pending', '9.99 eur succeeded'],
      });
      await world.stripe.invoices.voidInvoice(String(invoice));
      await world.settle();

      expect(await user.account()).to.deep.include({
        reason: 'none',
        until: end,
        payments: ['9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal(['premium_cancelled']);
    }),
  );
});

describe('A renewal that Stripe cannot finalise', () => {
  it(
    'is at attention until it is mended, asks the user, and leaves premium for as long as a slow one',
    story(async (world) => {
      const buyer = await subscriber(world);
      const { user, id, end } = buyer;
      world.sandbox.loseTaxAddress({ subscription: id, outcome: 'fails_finalization' });
      await beforeTheEnd(world, buyer);
      await world.advanceTo(later(end, HOUR));

      expect(user.news()).to.deep.equal(['payment_action_required']);
      expect(user.latest('payment_action_required')).to.include({ url: null, amount: 9.99 });
      expect(user.latest('payment_action_required').message).to.match(/adresse de facturation/);
      const { latest_invoice: invoice } = await world.stripe.subscriptions.retrieve(id);
      expect((await attention(world)).unfinalized_invoices).to.deep.equal([
        {
          user_id: user.id,
          stripe_subscription_id: id,
          stripe_invoice_id: invoice,
          reason: 'customer_tax_location_invalid',
          since: later(end, HOUR).toISOString(),
        },
      ]);
      await passes(world, 10 * DAY, 12 * HOUR);
      expect(await user.account()).to.deep.include({
        reason: 'payment_pending',
        until: later(end, 14 * DAY),
        payments: ['9.99 eur succeeded'],
      });
      expect(user.news()).to.deep.equal([]);

      await world.stripe.invoices.pay(String(invoice));
      await world.settle();

      expect(await user.account()).to.deep.include({ reason: 'active', until: monthsAfter(end, 1) });
      expect(user.news()).to.deep.equal(['payment_succeeded']);
      expect((await attention(world)).unfinalized_invoices).to.deep.equal([]);
    }),
  );

  it(
    'and that nobody mends ends premium when the days of a slow one are over',
    story(async (world) => {
      const buyer = await subscriber(world);
      const { user, id, end } = buyer;
      world.sandbox.loseTaxAddress({ subscription: id, outcome: 'fails_finalization' });
      await beforeTheEnd(world, buyer);
      await world.advanceTo(end);
      await passes(world, 15 * DAY, DAY);

      expect(await user.account()).to.deep.include({ reason: 'none', until: later(end, 14 * DAY) });
      expect(user.news()).to.deep.equal(['payment_action_required', 'premium_cancelled']);
      expect((await attention(world)).unfinalized_invoices).to.have.length(1);
    }),
  );

  it(
    'is found by reading it again where its event was lost',
    story(async (world) => {
      const buyer = await subscriber(world);
      const { user, id, end } = buyer;
      world.sandbox.loseTaxAddress({ subscription: id, outcome: 'fails_finalization' });
      world.sandbox.deliveries.setRules({ drop: ['invoice.finalization_failed'] });
      await world.advanceTo(later(end, HOUR));
      expect((await attention(world)).unfinalized_invoices).to.deep.equal([]);

      await world.maintain({ task: 'sync-payments', userId: user.id });

      expect((await attention(world)).unfinalized_invoices).to.have.length(1);
    }),
  );
});

describe('A renewal without an address to tax', () => {
  it(
    'is charged without tax, which the operator sees',
    storyWith({ env: { CHECKOUT_AUTOMATIC_TAX: 'true' } }, async (world) => {
      const { user, id, end } = await subscriber(world);
      world.sandbox.loseTaxAddress({ subscription: id, outcome: 'switches_tax_off' });
      await world.advanceTo(end);
      await world.advance(HOUR);

      expect((await user.account()).until).to.deep.equal(monthsAfter(end, 1));
      expect((await attention(world)).tax_switched_off).to.deep.equal([
        { user_id: user.id, stripe_subscription_id: id, reason: 'requires_location_inputs' },
      ]);

      await world.stripe.subscriptions.update(id, { automatic_tax: { enabled: true } });
      await world.settle();
      expect((await attention(world)).tax_switched_off).to.deep.equal([]);
    }),
  );
});
