import { expect } from 'chai';
import { poll } from '../../rig/poll.ts';
import type { Answer } from './support/api.ts';
import { APP_ORIGIN, Api, PRICES } from './support/api.ts';
import { loginHeaders, loginToken } from './support/login.ts';
import { addSubscription, maintenanceJobs, useApiWithStripe } from './support/stripe.ts';

const PATH = '/api/stripe/subscription';
const PUBLIC_PATH = '/api/stripe/create-checkout-session';

describe('Buying', () => {
  const parts = useApiWithStripe();
  let user = 100;

  beforeEach(async () => {
    user += 1;
    await parts().api.addUser(user);
  });
  afterEach(() => parts().sandbox.faults.clear());

  function buy(plan: 'mensuel' | 'annuel' = 'mensuel', path = PATH): Promise<Answer> {
    return parts().api.ask(path, { method: 'POST', as: user, body: { plan_type: plan } });
  }

  function rows() {
    return parts().api.query('select * from checkout_sessions where user_id = $1 order by id', [user]);
  }

  function customers() {
    return parts().api.query('select * from customers where user_id = $1 order by id', [user]);
  }

  async function openSessionsAtStripe(): Promise<string[]> {
    const { data } = await parts().stripe.checkout.sessions.list({ limit: 100 });
    return data
      .filter((session) => session.status === 'open' && session.client_reference_id === String(user))
      .map((session) => session.id);
  }

  async function customersAtStripe(): Promise<string[]> {
    const { data } = await parts().stripe.customers.list({ limit: 100 });
    return data.filter((customer) => customer.metadata.user_id === String(user)).map(({ id }) => id);
  }

  it('opens a session that carries the user, the plan and the price, and remembers it', async () => {
    const answer = await buy('annuel');
    expect(answer.status).to.equal(200);
    expect(answer.body).to.deep.equal({
      success: true,
      data: answer.body.data,
      message: 'Session de paiement créée avec succès',
    });
    const { id, url } = answer.body.data;

    const session = await parts().stripe.checkout.sessions.retrieve(id, {
      expand: ['line_items', 'customer'],
    });
    expect(session).to.deep.include({
      mode: 'subscription',
      status: 'open',
      url,
      client_reference_id: String(user),
      metadata: { user_id: String(user), plan_type: 'annuel' },
      success_url: `${APP_ORIGIN}/paiement/succes?session_id={CHECKOUT_SESSION_ID}`,
      cancel_url: `${APP_ORIGIN}/paiement/annule`,
    });
    expect(session.line_items?.data.map((item) => item.price?.id)).to.deep.equal([PRICES.annuel]);
    expect(session.customer).to.deep.include({
      email: `user${user}@matcha.example`,
      metadata: { user_id: String(user) },
    });

    const [row] = await rows();
    expect(row).to.include({
      stripe_session_id: id,
      plan_type: 'annuel',
      status: 'pending',
      amount: '9999',
      currency: 'eur',
    });
    const [customer] = await customers();
    expect(customer).to.include({
      livemode: false,
      preferred: true,
      linked_by: 'checkout',
      deleted_at: null,
    });
    expect(row?.stripe_customer_id).to.equal(customer?.stripe_customer_id);
    const [stored] = await parts().api.query(
      `select extract(epoch from expires_at - timestamp '1970-01-01') as expires_at from checkout_sessions where id = $1`,
      [row?.id],
    );
    expect(Number(stored?.expires_at)).to.equal(session.expires_at);
  });

  it('makes subscriptions that name their user by themselves', async () => {
    const { id } = (await buy()).body.data;
    const { session } = parts().sandbox.completeCheckout({ session: id });
    const subscription = await parts().stripe.subscriptions.retrieve(String(session.subscription));
    expect(subscription.metadata).to.deep.equal({ user_id: String(user), plan_type: 'mensuel' });
  });

  it('twice in a row leads to the same session', async () => {
    const [first, second] = [await buy(), await buy('mensuel', `${PATH}/`)];
    expect(second.body.data).to.deep.equal(first.body.data);
    expect(await rows()).to.have.length(1);
  });

  it('many times at once ends in one customer and one open session', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => buy()));
    const ids = new Set(answers.map((answer) => answer.body.data.id));
    expect([...ids]).to.have.length(1);
    expect(await openSessionsAtStripe()).to.deep.equal([...ids]);
    expect(await customersAtStripe()).to.have.length(1);
    expect(await customers()).to.have.length(1);
  });

  it('at two processes at once ends in one customer and one open session', async () => {
    const second = await Api.start({ beside: parts().api, env: { STRIPE_API_BASE: parts().sandbox.url } });
    try {
      const answers = await Promise.all(
        [parts().api, second, parts().api, second].map((api) =>
          api.ask(PATH, { method: 'POST', as: user, body: { plan_type: 'mensuel' } }),
        ),
      );
      expect(new Set(answers.map((answer) => answer.body.data.id)).size).to.equal(1);
      expect(await openSessionsAtStripe()).to.have.length(1);
      expect(await customersAtStripe()).to.have.length(1);
    } finally {
      await second.close();
    }
  });

  it('two plans at once leaves one of the sessions open', async () => {
    const answers = await Promise.all([buy('mensuel'), buy('annuel')]);
    expect(answers.map((answer) => answer.status)).to.deep.equal([200, 200]);
    expect(await openSessionsAtStripe()).to.have.length(1);
    expect((await rows()).filter((row) => row.status === 'pending')).to.have.length(1);
  });

  it('another plan expires the first session, at Stripe too', async () => {
    const first = (await buy('mensuel')).body.data.id;
    const second = (await buy('annuel')).body.data.id;
    expect((await parts().stripe.checkout.sessions.retrieve(first)).status).to.equal('expired');
    expect(await openSessionsAtStripe()).to.deep.equal([second]);
    expect((await rows()).map((row) => row.status)).to.deep.equal(['expired', 'pending']);

    const third = (await buy('mensuel')).body.data.id;
    expect(third).not.to.equal(first);
    expect(await openSessionsAtStripe()).to.deep.equal([third]);
  });

  it('after the session has expired opens a new one', async () => {
    const first = (await buy()).body.data.id;
    parts().sandbox.expireCheckout({ session: first });
    const second = (await buy()).body.data.id;
    expect(second).not.to.equal(first);
    expect(await openSessionsAtStripe()).to.deep.equal([second]);
    expect(await customersAtStripe()).to.have.length(1);
  });

  it('gets back the session that Stripe made although its answer was lost', async () => {
    parts().sandbox.faults.add({
      kind: 'reset',
      path: '/v1/checkout/sessions',
      method: 'POST',
      times: 3,
      afterEffect: true,
    });
    const failed = await buy();
    expect(failed.status).to.equal(503);
    expect(failed.body.code).to.equal('stripe_unavailable');
    expect(await rows()).to.deep.equal([]);

    const answer = await buy();
    expect(answer.status).to.equal(200);
    expect(await openSessionsAtStripe()).to.deep.equal([answer.body.data.id]);
    expect(await customersAtStripe()).to.have.length(1);
  });

  it('keeps the customer when the session fails, so that none is left behind', async () => {
    parts().sandbox.faults.add({ kind: 'error', path: '/v1/checkout/sessions', method: 'POST', status: 400 });
    const failed = await buy();
    expect(failed.status).to.equal(502);
    expect(failed.body).to.include({ success: false, code: 'stripe_rejected' });
    expect(await customers()).to.have.length(1);
    expect((await buy()).status).to.equal(200);
    expect(await customersAtStripe()).to.have.length(1);
  });

  it('with a customer that was deleted at Stripe makes a new one and keeps a tombstone', async () => {
    const first = (await buy()).body.data.id;
    const [old] = await customers();
    parts().sandbox.deleteCustomer({ customer: String(old?.stripe_customer_id) });

    const answer = await buy();
    expect(answer.status).to.equal(200);
    expect(answer.body.data.id).not.to.equal(first);
    const [tombstone, fresh] = await customers();
    expect(tombstone?.deleted_at).to.be.instanceOf(Date);
    expect(fresh).to.include({ deleted_at: null, preferred: true });
    const session = await parts().stripe.checkout.sessions.retrieve(answer.body.data.id);
    expect(session.customer).to.equal(fresh?.stripe_customer_id);
    expect((await rows()).map((row) => row.status)).to.deep.equal(['expired', 'pending']);
  });

  it('uses the customer that the old service made, and notes its mode', async () => {
    const { id } = await parts().stripe.customers.create({ email: 'old@matcha.example' });
    await parts().api.query(
      `insert into customers (user_id, stripe_customer_id, preferred, linked_by) values ($1, $2, true, 'legacy')`,
      [user, id],
    );
    const session = await parts().stripe.checkout.sessions.retrieve((await buy()).body.data.id);
    expect(session.customer).to.equal(id);
    expect((await customers()).map((row) => row.livemode)).to.deep.equal([false]);
    expect(await customersAtStripe()).to.deep.equal([]);
  });

  for (const [status, stripeStatus] of [
    ['active', 'trialing'],
    ['active', null],
    ['past_due', 'past_due'],
    ['unpaid', 'unpaid'],
    ['inactive', 'paused'],
  ] as const) {
    const code = stripeStatus === 'paused' ? 'subscription_paused' : 'already_subscribed';
    it(`is refused while a subscription is ${stripeStatus ?? status}, and Stripe hears nothing`, async () => {
      await addSubscription(parts().api, { user, stripeId: `sub_${user}`, status, stripeStatus });
      for (const [path, body] of [
        [PATH, { plan_type: 'mensuel' }],
        [PUBLIC_PATH, { plan: 'annuel' }],
      ] as const) {
        const answer = await parts().api.ask(path, { method: 'POST', as: user, body });
        expect(answer.status).to.equal(409);
        expect(answer.body).to.include({ success: false, code });
      }
      expect(await customersAtStripe()).to.deep.equal([]);
      expect(await rows()).to.deep.equal([]);
    });
  }

  it('is possible again once the subscription has ended', async () => {
    await addSubscription(parts().api, { user, stripeId: `sub_${user}`, status: 'canceled' });
    expect((await buy()).status).to.equal(200);
  });

  it('is refused when only Stripe knows of the subscription yet, and the worker is told', async () => {
    const { id } = (await buy()).body.data;
    const { session } = parts().sandbox.completeCheckout({ session: id });
    const answer = await buy('annuel');
    expect(answer.status).to.equal(409);
    expect(answer.body.code).to.equal('already_subscribed');
    expect(await openSessionsAtStripe()).to.deep.equal([]);
    expect(await maintenanceJobs(parts().api)).to.deep.include({
      task: 'sync-subscription',
      stripeSubscriptionId: session.subscription,
    });
  });

  it('is refused to a token whose account is gone', async () => {
    const answer = await parts().api.ask(PATH, {
      method: 'POST',
      as: 99_999,
      body: { plan_type: 'mensuel' },
    });
    expect(answer.status).to.equal(401);
  });

  describe('through the public route', () => {
    function buyPublicly(
      headers: Record<string, string>,
      body: unknown = { plan: 'mensuel' },
    ): Promise<Answer> {
      return parts().api.ask(PUBLIC_PATH, { method: 'POST', headers, body });
    }

    it('with a token is the same purchase', async () => {
      const answer = await buyPublicly({ 'x-jwt-token': loginToken(user) });
      expect(answer.status).to.equal(200);
      expect((await buy()).body.data).to.deep.equal(answer.body.data);
    });

    it('with an invalid token, or the token of somebody else, is refused', async () => {
      for (const headers of [
        { 'x-jwt-token': 'not.a.token' },
        { 'x-jwt-token': loginToken(user, { exp: 1_000 }) },
        loginHeaders(user, loginToken(user + 1)),
      ]) {
        expect((await buyPublicly(headers)).status).to.equal(401);
      }
    });

    it('without a token is a guest, whatever X-User-ID says', async () => {
      for (const headers of [{}, { 'x-user-id': String(user) }, { 'x-jwt-token': '' }] as Record<
        string,
        string
      >[]) {
        const answer = await buyPublicly(headers);
        expect(answer.status).to.equal(200);
        const session = await parts().stripe.checkout.sessions.retrieve(answer.body.data.id);
        expect(session).to.deep.include({
          customer: null,
          client_reference_id: null,
          metadata: { plan_type: 'mensuel', source: 'guest' },
        });
      }
      expect(await rows()).to.deep.equal([]);
    });

    it('needs a plan', async () => {
      for (const body of [{}, { plan: 'weekly' }, { plan_type: 'mensuel' }]) {
        const answer = await buyPublicly({}, body);
        expect(answer.status).to.equal(400);
        expect(answer.body.code).to.equal('invalid_body');
      }
    });
  });

  describe('while Stripe', () => {
    const faults = [
      ['answers 500', { kind: 'error', status: 500 }, 503, 'stripe_unavailable'],
      ['limits our rate', { kind: 'rate_limit', retryAfterSeconds: 0 }, 503, 'stripe_unavailable'],
      ['cuts connections', { kind: 'reset' }, 503, 'stripe_unavailable'],
      ['refuses', { kind: 'error', status: 402 }, 502, 'stripe_rejected'],
      ['does not know our key', { kind: 'error', status: 401 }, 502, 'stripe_key_refused'],
    ] as const;
    for (const [what, fault, status, code] of faults) {
      it(`${what}, answers ${status} in our own words`, async () => {
        parts().sandbox.faults.add({ ...fault, path: '/v1/customers', times: 3 });
        const answer = await buy();
        expect(answer.status).to.equal(status);
        expect(answer.body).to.include({ success: false, code });
        expect(answer.headers.get('retry-after')).to.equal(status === 503 ? '10' : null);
        expect(answer.body.error).not.to.match(/sk_test|cus_|req_/);
        expect(await customers()).to.deep.equal([]);
      });
    }
  });
});

describe('Buying with trials, promotion codes and tax', () => {
  const parts = useApiWithStripe({
    CHECKOUT_TRIAL_DAYS: '14',
    CHECKOUT_ALLOW_PROMOTION_CODES: 'true',
    CHECKOUT_AUTOMATIC_TAX: 'true',
    STRIPE_SUCCESS_URL: `${APP_ORIGIN}/merci?from=stripe#top`,
  });
  before(async () => {
    for (const id of [1, 2, 3]) await parts().api.addUser(id);
  });

  async function buy(as: number) {
    const { body } = await parts().api.ask(PATH, { method: 'POST', as, body: { plan_type: 'mensuel' } });
    return parts().stripe.checkout.sessions.retrieve(body.data.id);
  }

  it('asks Stripe for all of it', async () => {
    const session = await buy(1);
    expect(session.allow_promotion_codes).to.equal(true);
    expect(session.automatic_tax.enabled).to.equal(true);
    expect(session.success_url).to.equal(
      `${APP_ORIGIN}/merci?from=stripe&session_id={CHECKOUT_SESSION_ID}#top`,
    );
    const { session: paid } = parts().sandbox.completeCheckout({ session: session.id });
    const subscription = await parts().stripe.subscriptions.retrieve(String(paid.subscription));
    expect(subscription.status).to.equal('trialing');
  });

  it('gives the trial to first subscriptions only', async () => {
    await addSubscription(parts().api, { user: 2, stripeId: 'sub_ended', status: 'canceled' });
    const { session } = parts().sandbox.completeCheckout({ session: (await buy(2)).id });
    const subscription = await parts().stripe.subscriptions.retrieve(String(session.subscription));
    expect(subscription.status).to.equal('active');
  });

  it('gives guests no trial: nobody knows what they had', async () => {
    const answer = await parts().api.ask(PUBLIC_PATH, { method: 'POST', body: { plan: 'mensuel' } });
    const { session } = parts().sandbox.completeCheckout({ session: answer.body.data.id });
    const subscription = await parts().stripe.subscriptions.retrieve(String(session.subscription));
    expect(subscription.status).to.equal('active');
  });
});

describe('While Stripe is slow', () => {
  const parts = useApiWithStripe({ DB_POOL_MAX: '4' });
  before(async () => {
    for (const id of [1, 2, 3, 4]) await parts().api.addUser(id);
  });

  it('purchases leave database connections for everybody else', async () => {
    parts().sandbox.faults.add({ kind: 'delay', delayMs: 150, times: 100 });
    const order: string[] = [];
    const purchases = [1, 1, 1, 1, 2, 3, 3].map(async (as) => {
      const { status } = await parts().api.ask(PATH, { method: 'POST', as, body: { plan_type: 'mensuel' } });
      order.push(`bought ${status}`);
    });
    const { faults } = parts().sandbox;
    await poll(async () => (faults.planned[0]?.times ?? 100) < 99 || undefined, {
      everyMs: 5,
      timeoutMs: 5_000,
    });
    order.push(`looked ${(await parts().api.ask(PATH, { as: 4 })).status}`);
    await Promise.all(purchases);
    expect(order[0]).to.equal('looked 200');
    expect(order.slice(1)).to.deep.equal(Array.from(purchases, () => 'bought 200'));
  });
});
