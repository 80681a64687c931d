import { expect } from 'chai';
import { NEWEST_VERSION } from '../../sandbox/index.ts';
import { story, storyWith } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, later, MINUTE, monthsAfter } from './support/time.ts';
import type { World } from './support/world.ts';

/** A subscriber whose first renewal has just failed, and its open invoice. */
async function inArrears(world: World) {
  const buyer = await subscriber(world, 'mensuel', 'failsLater');
  await world.advanceTo(buyer.end);
  await world.advance(HOUR);
  const unpaid = (await world.rows.payments()).at(-1);
  expect(unpaid).to.include({ status: 'failed', attemptCount: 1 });
  buyer.user.news();
  return { ...buyer, invoice: String(unpaid?.stripeInvoiceId) };
}

const VERSIONS = ['2020-03-02', '2022-11-15', '2024-06-20', '2025-03-31.basil', NEWEST_VERSION];

describe('An invoice that failed and was then settled without money', () => {
  for (const apiVersion of VERSIONS) {
    const told = storyWith.bind(null, { apiVersion, sandbox: { apiVersion } });

    it(
      `is not failed any more when a credit note takes all of it off (${apiVersion})`,
      told(async (world) => {
        const { user, end, invoice } = await inArrears(world);

        await world.stripe.creditNotes.create({ invoice, amount: 999 });
        await world.settle();

        const row = (await world.rows.payments()).at(-1);
        expect(row).to.include({ status: 'canceled', nextAttemptAt: null, settledBy: 'credit_note' });
        expect(row).to.include({ invoiceStatus: 'paid', amount: 999 });
        expect(await user.account()).to.deep.equal({
          reason: 'active',
          until: monthsAfter(end, 1),
          plan: 'mensuel',
          status: 'active',
          ending: false,
          payments: ['9.99 eur canceled', '9.99 eur succeeded'],
        });
        expect(await world.rows.subscription()).to.include({ pastDueSince: null });
        expect(user.news(), 'nobody paid').to.deep.equal([]);
      }),
    );

    it(
      `has succeeded when it is marked as paid by hand (${apiVersion})`,
      told(async (world) => {
        const { user, end, invoice } = await inArrears(world);

        await world.stripe.invoices.pay(invoice, { paid_out_of_band: true });
        await world.settle();

        const row = (await world.rows.payments()).at(-1);
        expect(row).to.include({ status: 'succeeded', nextAttemptAt: null, settledBy: 'out_of_band' });
        expect(await user.account()).to.deep.include({
          reason: 'active',
          until: monthsAfter(end, 1),
          status: 'active',
          payments: ['9.99 eur succeeded', '9.99 eur succeeded'],
        });
        expect(user.news()).to.deep.equal(['payment_succeeded']);
      }),
    );
  }

  it(
    'ends the same when the failure is heard of last',
    story(async (world) => {
      const { user, end } = await subscriber(world, 'mensuel', 'failsLater');
      await world.advanceTo(end);
      world.sandbox.deliveries.hold();
      await world.sandbox.advance(HOUR);
      await world.sandbox.advance(MINUTE);
      const { data } = await world.stripe.invoices.list({ status: 'open' });
      await world.stripe.creditNotes.create({ invoice: String(data[0]?.id), amount: 999 });

      await world.releaseFirst('credit_note.created', 'invoice.paid', 'customer.subscription.updated');

      const row = (await world.rows.payments()).at(-1);
      expect(row).to.include({ status: 'canceled', nextAttemptAt: null, settledBy: 'credit_note' });
      expect(await user.account()).to.deep.include({ reason: 'active', until: monthsAfter(end, 1) });
      expect(await world.rows.subscription()).to.include({ pastDueSince: null });
    }),
  );

  it(
    'by the customer’s balance is not failed any more either',
    story(async (world) => {
      const { user, invoice } = await inArrears(world);
      const { data } = await world.stripe.events.list({ type: 'invoice.payment_failed' });
      const failed = data[0];
      if (failed?.type !== 'invoice.payment_failed') throw new Error('No invoice has failed');
      const paid = {
        ...failed.data.object,
        status: 'paid',
        starting_balance: -999,
        amount_due: 0,
        amount_remaining: 0,
        next_payment_attempt: null,
        status_transitions: { ...failed.data.object.status_transitions, paid_at: failed.created + 60 },
      };

      await world.deliver({
        ...failed,
        id: 'evt_balance',
        type: 'invoice.paid',
        created: failed.created + 60,
        data: { object: paid },
      });
      await world.settle();

      const row = (await world.rows.payments()).find((each) => each.stripeInvoiceId === invoice);
      expect(row).to.include({ status: 'canceled', nextAttemptAt: null, settledBy: 'balance' });
      expect((await user.account()).reason).to.equal('active');
    }),
  );

  it(
    'in part is still owed, and the rest is what is paid',
    story(async (world) => {
      const { user, customer, end, invoice } = await inArrears(world);

      await world.stripe.creditNotes.create({ invoice, amount: 400 });
      await world.settle();
      expect((await world.rows.payments()).at(-1)).to.include({ status: 'failed' });
      world.sandbox.setCard({ customer, card: 'succeeds' });
      await world.advanceTo(later(end, HOUR + 3 * DAY));

      expect((await user.account()).payments).to.deep.equal(['5.99 eur succeeded', '9.99 eur succeeded']);
      expect((await world.rows.payments()).at(-1)).to.include({ settledBy: null });
    }),
  );
});
