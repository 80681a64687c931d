import { expect } from 'chai';
import { askAdmin } from './support/operator.ts';
import { story } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { DAY, HOUR, later, monthsAfter } from './support/time.ts';
import type { World } from './support/world.ts';

type Entry = {
  id: string;
  kind: string;
  user_id: number;
  reason: string;
  since: string;
  amount: number | null;
};

async function money(world: World): Promise<Entry[]> {
  const answer = await askAdmin(world, 'GET', '/api/admin/attention');
  expect(answer.status).to.equal(200);
  return (answer.body.data as unknown as { money: Entry[] }).money;
}

/** A subscriber whom dunning has ended, and who paid the last invoice on its page a month later. */
async function paidAfterEnd(world: World) {
  const buyer = await subscriber(world, 'mensuel', 'failsLater');
  await world.advanceTo(buyer.end);
  await world.advance(HOUR);
  const failedAt = later(buyer.end, HOUR);
  for (const wait of [3 * DAY, 8 * DAY, 15 * DAY]) await world.advanceTo(later(failedAt, wait));
  const invoice = String((await world.rows.payments()).at(-1)?.stripeInvoiceId);
  expect(await money(world)).to.deep.equal([]);
  await world.advance(5 * DAY);
  buyer.user.news();
  const paidAt = world.now;
  world.sandbox.payInvoice({ invoice, card: 'succeeds' });
  await world.settle();
  return { ...buyer, invoice, paidAt };
}

describe('An invoice that is paid after dunning ended its subscription', () => {
  it(
    'gives no premium, and the operator sees it until it is refunded',
    story(async (world) => {
      const { user, invoice, paidAt } = await paidAfterEnd(world);
      expect(await user.account()).to.deep.include({ reason: 'none', status: 'canceled' });
      expect(user.news()).to.deep.equal(['payment_succeeded']);

      const [entry, ...others] = await money(world);
      expect(others).to.deep.equal([]);
      expect(entry).to.deep.include({
        id: invoice,
        kind: 'paid_after_end',
        user_id: user.id,
        since: paidAt.toISOString(),
        amount: 9.99,
      });
      expect(entry?.reason).to.match(/^paid after its end/);

      world.sandbox.refund({ of: invoice, amount: 4_00 });
      await world.settle();
      expect((await money(world)).map(({ amount }) => amount)).to.deep.equal([5.99]);
      world.sandbox.refund({ of: invoice });
      await world.settle();
      expect(await money(world)).to.deep.equal([]);
    }),
  );

  it(
    'is settled by a credit note, also where that refunds nothing',
    story(async (world) => {
      const { invoice } = await paidAfterEnd(world);

      await world.stripe.creditNotes.create({ invoice, amount: 999, credit_amount: 999 });
      await world.settle();

      expect(await money(world)).to.deep.equal([]);
    }),
  );

  it(
    'is settled by a subscription that is bought afterwards',
    story(async (world) => {
      const { user } = await paidAfterEnd(world);
      await world.advance(HOUR);

      await user.buys('mensuel');

      expect((await user.account()).reason).to.equal('active');
      expect(await money(world)).to.deep.equal([]);
    }),
  );

  it(
    'is settled by an operator’s word, which needs a reason and is kept',
    story(async (world) => {
      const { invoice } = await paidAfterEnd(world);
      const done = (body: unknown) => askAdmin(world, 'POST', '/api/admin/attention/done', body);

      expect(await done({ kind: 'paid_after_end', id: invoice })).to.have.nested.property(
        'body.code',
        'invalid_body',
      );
      expect(await done({ kind: 'paid_after_end', id: invoice, reason: '  ' })).to.have.property(
        'status',
        400,
      );
      expect(await done({ kind: 'paid_after_end', id: 'in_unknown', reason: 'why' })).to.have.nested.property(
        'body.code',
        'not_at_attention',
      );
      expect(await done({ kind: 'period_over', id: invoice, reason: 'why' })).to.have.property('status', 404);
      expect(await money(world)).to.have.length(1);

      const mark = { kind: 'paid_after_end', id: invoice, reason: 'Given a month by hand' };
      const answer = await done(mark);
      expect(answer.status).to.equal(200);
      expect(answer.body.data).to.deep.equal({
        ...mark,
        done_by: 'internal key',
        done_at: world.now.toISOString(),
      });
      expect(await money(world)).to.deep.equal([]);
      const again = await done({ ...mark, reason: 'Another word' });
      expect(again.body.data).to.deep.equal(answer.body.data);
    }),
  );

  it(
    'is seen whichever of the two is heard of first',
    story(async (world) => {
      const { user, id, end } = await subscriber(world, 'mensuel', 'failsLater');
      await world.advanceTo(end);
      await world.advance(HOUR);
      const invoice = String((await world.rows.payments()).at(-1)?.stripeInvoiceId);
      world.sandbox.deliveries.hold();
      world.sandbox.cancelNow({ subscription: id });
      await world.sandbox.advance(HOUR);
      world.sandbox.payInvoice({ invoice, card: 'succeeds' });

      await world.releaseFirst('invoice.paid', 'payment_intent.succeeded', 'invoice_payment.paid');

      expect((await money(world)).map(({ id: of, kind }) => [of, kind])).to.deep.equal([
        [invoice, 'paid_after_end'],
      ]);
      expect((await user.account()).status).to.equal('canceled');
    }),
  );
});

describe('A period that is over when it is paid for', () => {
  it(
    'is shown to the operator, and the one that runs is not',
    story(async (world) => {
      const { customer, end } = await subscriber(world, 'mensuel', 'failsLater');
      await world.advanceTo(end);
      await world.advance(HOUR);
      const invoice = String((await world.rows.payments()).at(-1)?.stripeInvoiceId);
      world.sandbox.deliveries.hold();
      const { data } = await world.stripe.events.list({ type: 'invoice.payment_failed' });
      const [failed] = data;
      if (failed?.type !== 'invoice.payment_failed') throw new Error('No invoice has failed');
      world.sandbox.deliveries.release();
      await world.settle();
      // Stripe ends dunning long before; an installation may let it go on.
      const paidAt = failed.created + 40 * DAY;
      const object = {
        ...failed.data.object,
        status: 'paid',
        amount_paid: 999,
        amount_remaining: 0,
        next_payment_attempt: null,
        status_transitions: { ...failed.data.object.status_transitions, paid_at: paidAt },
      };
      await world.deliver({
        ...failed,
        id: 'evt_late',
        type: 'invoice.paid',
        created: paidAt,
        data: { object },
      });
      await world.settle();

      expect(customer).to.match(/^cus_/);
      expect((await money(world)).map(({ id, kind }) => [id, kind])).to.deep.equal([
        [invoice, 'period_over'],
      ]);
    }),
  );
});

describe('A subscription that is active while nobody pays', () => {
  it(
    'is shown to the operator once no renewal can be under way any more',
    story(async (world) => {
      const { user, id, end } = await subscriber(world);
      world.sandbox.deliveries.setRules({ drop: ['invoice.*', 'invoice_payment.*', 'payment_intent.*'] });
      await world.advanceTo(end);
      await world.advance(3 * DAY);
      expect(await money(world)).to.deep.equal([]);

      await world.advance(2 * DAY);

      expect((await money(world)).map(({ id: of, kind, since }) => [of, kind, since])).to.deep.equal([
        [id, 'active_unpaid', end.toISOString()],
      ]);
      await world.maintain({ task: 'sync-payments', userId: user.id });
      expect(await world.rows.subscription()).to.deep.include({ paidUntil: monthsAfter(end, 1) });
      expect(await money(world)).to.deep.equal([]);
    }),
  );
});
