import { expect } from 'chai';
import { DAY } from '../../src/shared/duration.ts';
import type { Answer, Body } from './support/api.ts';
import { APP_ORIGIN } from './support/api.ts';
import { addSubscription, maintenanceJobs, useApiWithStripe } from './support/stripe.ts';

const PATH = '/api/stripe/subscription';

describe('A subscription', () => {
  const parts = useApiWithStripe();
  let user = 100;

  beforeEach(async () => {
    user += 1;
    await parts().api.addUser(user);
  });
  afterEach(() => parts().api.inQueue('maintenance', (queue) => queue.obliterate({ force: true })));

  function ask(path = '', method = 'GET', body?: unknown): Promise<Answer> {
    return parts().api.ask(`${PATH}${path}`, { method, as: user, body });
  }

  async function setPremium(until: Date | null): Promise<void> {
    const text = until?.toISOString().replace('T', ' ').replace('Z', '') ?? null;
    await parts().api.query('update users set premium = $2 where id = $1', [user, text]);
  }

  /** Buys and pays, without a worker: only Stripe knows of it. */
  async function buyAndPay(
    plan = 'mensuel',
  ): Promise<{ sessionId: string; subscriptionId: string; customer: string }> {
    const { id } = (await ask('', 'POST', { plan_type: plan })).body.data;
    const { session } = parts().sandbox.completeCheckout({ session: id });
    return {
      sessionId: id,
      subscriptionId: String(session.subscription),
      customer: String(session.customer),
    };
  }

  describe('seen', () => {
    it('by who never had one', async () => {
      expect(await ask()).to.deep.include({
        status: 200,
        body: {
          success: true,
          data: { is_premium: false, premium_until: null, reason: 'none', subscription: null },
        },
      });
      expect((await ask('/premium-status')).body).to.deep.equal({
        success: true,
        data: { is_premium: false },
      });
    });

    it('with every field of the row, in UTC although the database speaks Paris time', async () => {
      const id = await addSubscription(parts().api, {
        user,
        stripeId: `sub_${user}`,
        plan: 'annuel',
        stripeStatus: 'active',
      });
      const until = new Date(Date.now() + 10 * DAY);
      await setPremium(until);
      expect((await ask('/')).body.data).to.deep.equal({
        is_premium: true,
        premium_until: until.toISOString(),
        reason: 'active',
        subscription: {
          id,
          plan_type: 'annuel',
          status: 'active',
          stripe_status: 'active',
          current_period_start: '2026-07-01T10:00:00.000Z',
          current_period_end: '2026-08-01T10:00:00.000Z',
          cancel_at_period_end: false,
          canceled_at: null,
          trial_start: null,
          trial_end: null,
          stripe_subscription_id: `sub_${user}`,
        },
      });
      expect((await ask('/premium-status/')).body.data).to.deep.equal({ is_premium: true });
    });

    it('is premium by users.premium alone, to the second, on every route', async () => {
      await addSubscription(parts().api, { user, stripeId: `sub_${user}` });
      for (const [until, premium] of [
        [new Date(Date.now() + 60_000), true],
        [new Date(Date.now() - 1_000), false],
        [null, false],
      ] as const) {
        await setPremium(until);
        expect((await ask()).body.data.is_premium).to.equal(premium);
        expect((await ask('/premium-status')).body.data.is_premium).to.equal(premium);
      }
    });

    it('shows the live one, then the newest', async () => {
      await addSubscription(parts().api, { user, stripeId: `sub_live_${user}`, status: 'past_due' });
      await addSubscription(parts().api, { user, stripeId: `sub_ended_${user}`, status: 'canceled' });
      expect((await ask()).body.data.subscription.stripe_subscription_id).to.equal(`sub_live_${user}`);
      await parts().api.query(
        `update subscriptions set status = 'canceled', stripe_status = 'canceled' where user_id = $1`,
        [user],
      );
      expect((await ask()).body.data.subscription.stripe_subscription_id).to.equal(`sub_ended_${user}`);
    });

    it('shows the one that counts rather than its duplicate', async () => {
      const first = await addSubscription(parts().api, { user, stripeId: `sub_first_${user}` });
      await addSubscription(parts().api, { user, stripeId: `sub_second_${user}`, duplicateOf: first });
      expect((await ask()).body.data.subscription.id).to.equal(first);
    });

    it("never shows anybody else's", async () => {
      await parts().api.addUser(50_000 + user);
      await addSubscription(parts().api, { user: 50_000 + user, stripeId: `sub_${user}` });
      expect((await ask()).body.data.subscription).to.equal(null);
    });
  });

  describe('on the way back from Checkout', () => {
    it('is told as Stripe has it when our rows are behind, and the worker is told once', async () => {
      const { sessionId, subscriptionId } = await buyAndPay('annuel');
      const answers = [await ask(`?session_id=${sessionId}`), await ask(`?session_id=${sessionId}`)];
      for (const { status, body } of answers) {
        expect(status).to.equal(200);
        expect(body.data).to.deep.include({ is_premium: true, reason: 'active' });
        expect(body.data.subscription).to.deep.include({
          id: null,
          plan_type: 'annuel',
          status: 'active',
          stripe_status: 'active',
          cancel_at_period_end: false,
          stripe_subscription_id: subscriptionId,
        });
        expect(body.data.premium_until).to.equal(body.data.subscription.current_period_end);
      }
      const jobs = await maintenanceJobs(parts().api);
      // Two, should a minute have begun in between.
      expect(jobs.length).to.be.within(1, 2);
      expect(jobs[0]).to.deep.equal({ task: 'sync-subscription', stripeSubscriptionId: subscriptionId });
      expect(
        await parts().api.query('select id from subscriptions where user_id = $1', [user]),
      ).to.deep.equal([]);
    });

    it('is read from our rows once they have it', async () => {
      const { sessionId, subscriptionId } = await buyAndPay();
      const id = await addSubscription(parts().api, { user, stripeId: subscriptionId });
      await parts().api.query(
        'update checkout_sessions set stripe_subscription_id = $1 where stripe_session_id = $2',
        [subscriptionId, sessionId],
      );
      parts().sandbox.faults.add({ kind: 'error', status: 400 });
      expect((await ask(`?session_id=${sessionId}`)).body.data.subscription.id).to.equal(id);
      parts().sandbox.faults.clear();
      expect(await maintenanceJobs(parts().api)).to.deep.equal([]);
    });

    it('is nothing yet while the session is open', async () => {
      const { id } = (await ask('', 'POST', { plan_type: 'mensuel' })).body.data;
      expect((await ask(`?session_id=${id}`)).body.data).to.deep.include({
        is_premium: false,
        subscription: null,
      });
    });

    it("of somebody else's session is 404", async () => {
      const { sessionId } = await buyAndPay();
      user += 1;
      await parts().api.addUser(user);
      for (const forget of [false, true]) {
        if (forget)
          await parts().api.query('delete from checkout_sessions where stripe_session_id = $1', [sessionId]);
        const answer = await ask(`?session_id=${sessionId}`);
        expect(answer.status).to.equal(404);
        expect(answer.body.code).to.equal('session_not_found');
      }
    });

    it("of a guest's session is 404 until its customer is the user's", async () => {
      const guest = await parts().api.ask('/api/stripe/create-checkout-session', {
        method: 'POST',
        body: { plan: 'mensuel' },
      });
      const { session } = parts().sandbox.completeCheckout({ session: guest.body.data.id });
      expect((await ask(`?session_id=${guest.body.data.id}`)).status).to.equal(404);
      await parts().api.query(
        `insert into customers (user_id, stripe_customer_id, linked_by) values ($1, $2, 'verified_email')`,
        [user, session.customer],
      );
      const answer = await ask(`?session_id=${guest.body.data.id}`);
      expect(answer.status).to.equal(200);
      expect(answer.body.data.is_premium).to.equal(true);
    });

    it('of an unknown or malformed session is refused', async () => {
      expect((await ask('?session_id=cs_test_unknown')).status).to.equal(404);
      for (const id of [
        '',
        'sub_1',
        'cs_../../v1/customers',
        '%7BCHECKOUT_SESSION_ID%7D',
        'cs_a&session_id=cs_b',
      ]) {
        expect((await ask(`?session_id=${id}`)).status, id).to.equal(400);
      }
    });
  });

  describe('cancelled', () => {
    async function subscribe(): Promise<string> {
      const { subscriptionId, customer } = await buyAndPay();
      await addSubscription(parts().api, { user, stripeId: subscriptionId, customer });
      return subscriptionId;
    }

    async function atStripe(id: string) {
      return parts().stripe.subscriptions.retrieve(id);
    }

    const untilTheEnd: [string, Body][] = [
      ['without a body', undefined],
      ['with {}', {}],
      ['with at_period_end true', { at_period_end: true, ignored: 1 }],
    ];
    for (const [what, body] of untilTheEnd) {
      it(`${what} runs until the end of the period`, async () => {
        const id = await subscribe();
        const answer = await ask('', 'DELETE', body);
        expect(answer.status).to.equal(200);
        expect(answer.body.message).to.match(/^Votre abonnement prendra fin le \d{1,2}(er)? \S+ \d{4}$/);
        expect(answer.body.data).to.deep.include({
          stripe_subscription_id: id,
          plan_type: 'mensuel',
          status: 'active',
          cancel_at_period_end: true,
        });
        expect(answer.body.data.id).to.be.a('number');
        const subscription = await atStripe(id);
        expect(subscription.status).to.equal('active');
        expect(subscription.cancel_at_period_end || subscription.cancel_at !== null).to.equal(true);
        expect(await maintenanceJobs(parts().api)).to.deep.equal([
          { task: 'sync-subscription', stripeSubscriptionId: id },
        ]);
      });
    }

    it('with at_period_end false ends at Stripe now', async () => {
      const id = await subscribe();
      const answer = await ask('/', 'DELETE', { at_period_end: false });
      expect(answer.status).to.equal(200);
      expect(answer.body.message).to.equal('Votre abonnement est annulé avec effet immédiat');
      expect(answer.body.data).to.deep.include({ status: 'canceled', stripe_status: 'canceled' });
      expect(answer.body.data.canceled_at).to.be.a('string');
      expect((await atStripe(id)).status).to.equal('canceled');
      const [row] = await parts().api.query('select status from subscriptions where user_id = $1', [user]);
      expect(row?.status, 'the row is the worker’s to change').to.equal('active');
    });

    it('is 404 without one, and with one that has ended', async () => {
      expect((await ask('', 'DELETE')).body).to.include({ success: false, code: 'nothing_to_cancel' });
      await addSubscription(parts().api, { user, stripeId: `sub_${user}`, status: 'canceled' });
      expect((await ask('', 'DELETE')).status).to.equal(404);
    });

    for (const atPeriodEnd of [true, false]) {
      it(`is 404 when it ended at Stripe before our row knows (at_period_end ${atPeriodEnd})`, async () => {
        const id = await subscribe();
        parts().sandbox.cancelNow({ subscription: id });
        const answer = await ask('', 'DELETE', { at_period_end: atPeriodEnd });
        expect(answer.status).to.equal(404);
        expect(answer.body.code).to.equal('nothing_to_cancel');
        expect(await maintenanceJobs(parts().api)).to.have.length(1);
      });
    }

    it('works when only Stripe knows of the subscription yet', async () => {
      const { subscriptionId } = await buyAndPay();
      expect((await ask('', 'DELETE', { at_period_end: false })).status).to.equal(200);
      expect((await atStripe(subscriptionId)).status).to.equal('canceled');
    });

    it('cancels a duplicate as well: who stops paying stops paying', async () => {
      const id = await subscribe();
      const [row] = await parts().api.query('select * from subscriptions where user_id = $1', [user]);
      const second = parts().sandbox.createSubscription({
        customer: String(row?.stripe_customer_id),
        price: 'price_test_annuel',
      });
      await addSubscription(parts().api, { user, stripeId: second.id, duplicateOf: Number(row?.id) });
      const answer = await ask('', 'DELETE', { at_period_end: false });
      expect(answer.body.data.stripe_subscription_id).to.equal(id);
      expect((await atStripe(id)).status).to.equal('canceled');
      expect((await atStripe(second.id)).status).to.equal('canceled');
    });

    for (const body of [
      '{"at_period_end":"false"}',
      '{"at_period_end":0}',
      '{"at_period_end":null}',
      '[]',
      '{',
    ]) {
      it(`is refused with ${body}, and nothing changes`, async () => {
        const id = await subscribe();
        const answer = await parts().api.ask(PATH, {
          method: 'DELETE',
          as: user,
          headers: { 'content-type': 'application/json' },
          body,
        });
        expect(answer.status).to.equal(400);
        const subscription = await atStripe(id);
        expect(subscription).to.include({ status: 'active', cancel_at_period_end: false, cancel_at: null });
      });
    }
  });

  describe('managed in the billing portal', () => {
    async function returnUrlOf(portal: Answer): Promise<string> {
      expect(portal.status).to.equal(200);
      const page = await (await fetch(portal.body.data.url)).text();
      return /href="([^"]+)"/.exec(page)?.[1] ?? page;
    }

    it('is 404 for who never began a purchase', async () => {
      const answer = await ask('/billing-portal');
      expect(answer.status).to.equal(404);
      expect(answer.body.code).to.equal('no_customer');
    });

    it('leads back to where it is asked to, on our own origins', async () => {
      await buyAndPay();
      for (const url of [
        `${APP_ORIGIN}/compte?onglet=premium`,
        'https://www.app.example/x',
        `${APP_ORIGIN}/`,
      ]) {
        const answer = await ask(`/billing-portal?return_url=${encodeURIComponent(url)}`);
        expect(answer.status, url).to.equal(200);
        expect(answer.body.data).to.have.all.keys('url');
        expect(await (await fetch(answer.body.data.url)).text()).to.contain(url.replaceAll('&', '&amp;'));
      }
      expect(await returnUrlOf(await ask('/billing-portal/'))).to.match(/^https:\/\/app\.example/);
    });

    const foreign = [
      'https://evil.example/',
      'https://app.example.evil.example/',
      'https://app.example@evil.example/',
      'https://user:secret@app.example/',
      'http://app.example/',
      'https://app.example:8443/',
      '//evil.example',
      '/compte',
      'javascript:alert(1)',
      'ftp://app.example/',
      'https:evil.example',
      'nonsense',
    ];
    for (const url of foreign) {
      it(`refuses to lead back to ${url}`, async () => {
        await buyAndPay();
        const answer = await ask(`/billing-portal?return_url=${encodeURIComponent(url)}`);
        expect(answer.status).to.equal(400);
        expect(answer.body.code).to.equal('return_url_not_allowed');
      });
    }

    it('refuses two return URLs', async () => {
      expect(
        (await ask('/billing-portal?return_url=https://app.example&return_url=https://evil.example')).status,
      ).to.equal(400);
    });

    it('is 404 once the customer is deleted at Stripe', async () => {
      const { customer } = await buyAndPay();
      parts().sandbox.deleteCustomer({ customer });
      expect((await ask('/billing-portal')).status).to.equal(404);
    });

    it('shows the customer that is charged rather than an abandoned one', async () => {
      const { subscriptionId, customer } = await buyAndPay();
      await addSubscription(parts().api, { user, stripeId: subscriptionId, customer });
      const { id: abandoned } = await parts().stripe.customers.create({});
      await parts().api.query('update customers set preferred = false where user_id = $1', [user]);
      await parts().api.query(
        `insert into customers (user_id, stripe_customer_id, preferred, linked_by, livemode) values ($1, $2, true, 'session', false)`,
        [user, abandoned],
      );
      const answer = await ask('/billing-portal');
      expect(await (await fetch(answer.body.data.url)).text()).to.contain('9,99');
    });
  });
});
