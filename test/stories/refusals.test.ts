import { expect } from 'chai';
import type { Answer } from './support/member.ts';
import { askAdmin } from './support/operator.ts';
import { story } from './support/story.ts';
import { subscriber } from './support/subscriber.ts';
import { MINUTE, monthsAfter } from './support/time.ts';
import { untilTrue } from './support/until.ts';
import type { World } from './support/world.ts';

const PATH = '/api/stripe/subscription';

/** Stripe refuses the next request of this kind, in its own words. */
function refuse(
  world: World,
  method: 'GET' | 'POST',
  path: string,
  error: { code?: string; param?: string; message: string; type?: string },
): void {
  const given = { type: 'invalid_request_error', ...error };
  world.sandbox.faults.add({ kind: 'error', status: 400, method, path, error: given });
}

function codeOf({ status, body }: Answer): string {
  return `${status} ${body.code}`;
}

describe('An e-mail address', () => {
  it(
    'is trimmed before Stripe sees it',
    story(async (world) => {
      const user = await world.member({ email: ' lea@example.com ' });
      const customer = await user.becomesCustomer();
      expect(await world.stripe.customers.retrieve(customer)).to.include({ email: 'lea@example.com' });
    }),
  );

  for (const email of ['x＠icloud.com', 'lea @example.com', '  ']) {
    it(
      `such as ${JSON.stringify(email)} that Stripe does not take keeps nobody from buying`,
      story(async (world) => {
        const user = await world.member({ email });
        await user.buys('mensuel');
        expect(await user.account()).to.deep.include({ reason: 'active', until: monthsAfter(world.now, 1) });
        expect(await world.rows.customers()).to.have.length(1);
      }),
    );
  }
});

describe('A customer with something in another currency', () => {
  async function withDollars(world: World) {
    const user = await world.member();
    const customer = await user.becomesCustomer();
    const { id: price } = await world.stripe.prices.create({
      currency: 'usd',
      unit_amount: 300,
      recurring: { interval: 'month' },
      product_data: { name: 'Another shop' },
    });
    world.sandbox.createSubscription({ customer, price, card: 'succeeds' });
    await world.settle();
    return { user, customer };
  }

  it(
    'buys as a customer of its own, which is the preferred one from then on',
    story(async (world) => {
      const { user, customer } = await withDollars(world);
      // Another plan, so that the session which is open already does not fit.
      await user.buys('annuel');

      const rows = await world.rows.customers();
      expect(rows.map((row) => [row.stripeCustomerId === customer, row.preferred])).to.deep.equal([
        [true, false],
        [false, true],
      ]);
      expect(await user.account()).to.deep.include({ reason: 'active', plan: 'annuel' });
      expect((await user.post(PATH, { plan_type: 'mensuel' })).status).to.equal(409);
    }),
  );

  it(
    'gets one more customer however often it is asked at once',
    story(async (world) => {
      const { user } = await withDollars(world);
      const answers = await Promise.all([1, 2, 3, 4].map(() => user.post(PATH, { plan_type: 'annuel' })));
      expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200]);
      expect(new Set(answers.map(({ body }) => (body.data as { id: string }).id)).size).to.equal(1);
      expect(await world.rows.customers()).to.have.length(2);
    }),
  );
});

describe('What Stripe will refuse for ever', () => {
  it(
    'is named when a plan is not for sale, and sold again once it is',
    story(async (world) => {
      const user = await world.member();
      for (const error of [
        { code: 'resource_missing', param: 'line_items[0][price]', message: "No such price: 'price_gone'" },
        { param: 'line_items[0][price]', message: 'The price specified is inactive.' },
        { message: 'Price `price_1` is not available: its product `prod_1` is not active.' },
      ]) {
        refuse(world, 'POST', '/v1/checkout/sessions', error);
        expect(codeOf(await user.post(PATH, { plan_type: 'mensuel' }))).to.equal('502 plan_unavailable');
      }
      expect((await user.post(PATH, { plan_type: 'mensuel' })).status).to.equal(200);
    }),
  );

  it(
    'is named when Checkout or the portal is not set up, the key is not enough, or a key was used twice',
    story(async (world) => {
      const { user } = await subscriber(world);
      refuse(world, 'POST', '/v1/billing_portal/sessions', {
        message:
          'No configuration provided and your test mode default configuration has not been created. Provide a configuration or create your default by saving your customer portal settings.',
      });
      expect(codeOf(await user.get(`${PATH}/billing-portal`))).to.equal('502 portal_not_configured');

      const buyer = await world.member();
      for (const [error, code] of [
        [
          { param: 'automatic_tax', message: 'You must have a valid head office address.' },
          '502 checkout_misconfigured',
        ],
        [{ message: 'Something else altogether.' }, '502 stripe_rejected'],
        [{ type: 'idempotency_error', message: 'Keys for idempotent requests …' }, '409 request_conflict'],
      ] as const) {
        refuse(world, 'POST', '/v1/checkout/sessions', error);
        expect(codeOf(await buyer.post(PATH, { plan_type: 'mensuel' }))).to.equal(code);
      }
      world.sandbox.faults.add({ kind: 'error', status: 403, path: '/v1/checkout/sessions', method: 'POST' });
      expect(codeOf(await buyer.post(PATH, { plan_type: 'mensuel' }))).to.equal('502 stripe_key_refused');
    }),
  );

  it(
    'is no outage: a customer deleted while buying is made anew',
    story(async (world) => {
      const user = await world.member();
      const customer = await user.becomesCustomer();
      world.sandbox.faults.add({
        kind: 'delay',
        method: 'POST',
        path: '/v1/checkout/sessions',
        delayMs: 300,
      });

      const buying = user.post(PATH, { plan_type: 'annuel' });
      await untilTrue(() => world.sandbox.faults.planned.length === 0);
      world.sandbox.deleteCustomer({ customer });

      expect((await buying).status).to.equal(200);
      await world.settle();
      const rows = await world.rows.customers();
      expect(rows.map((row) => [row.deletedAt != null, row.preferred])).to.deep.include([false, true]);
      expect(rows).to.have.length(2);
    }),
  );
});

describe('What Stripe refuses the workers', () => {
  it(
    'is asked once: a payment whose invoice it does not know, an endpoint it does not show, a subscription that is gone',
    story(async (world) => {
      const user = await world.member();
      world.sandbox.deliveries.setRules({ drop: ['invoice_payment.paid'] });
      await user.buys();
      await world.advance(5 * MINUTE);
      const gone = { code: 'resource_missing', message: 'No such object' };
      refuse(world, 'GET', '/v1/invoice_payments', gone);
      refuse(world, 'GET', '/v1/invoices', gone);
      await world.maintain({ task: 'sweep' });
      const rows = await world.rows.payments();
      expect(rows.filter(({ linkCheckedAt }) => linkCheckedAt == null)).to.deep.equal([]);

      world.sandbox.faults.clear();
      world.sandbox.faults.add({ kind: 'error', status: 403, path: '/v1/webhook_endpoints' });
      await world.maintain({ task: 'check-endpoint' });
      const attention = await askAdmin(world, 'GET', '/api/admin/attention');
      expect(attention.body.data)
        .to.have.nested.property('webhook_endpoint.problems[0].code')
        .that.equals('not_permitted');

      const missing = { task: 'sync-subscription', stripeSubscriptionId: 'sub_gone' } as const;
      const job = await world.queues.maintenance.add(missing.task, missing);
      await world.settle();
      const [failed] = await world.failedJobs('maintenance');
      expect(failed).to.include({ id: job.id }).and.to.have.property('reason').that.contains('sub_gone');
      expect((await job.getState()) === 'failed').to.equal(true);
    }),
  );
});
