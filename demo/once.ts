import type { Matcha } from '../rig/matcha.ts';
import type { Pile } from '../rig/pile.ts';
import { poll } from '../rig/poll.ts';
import { payOnHostedPage } from './hosted-checkout.ts';
import { expectThat, type Steps } from './step.ts';
import { Visitor } from './visitor.ts';

/** A card that every payment succeeds with. */
const GOOD_CARD = '4242424242424242';

type SubscriptionState = {
  readonly is_premium: boolean;
  readonly subscription: { readonly status: string; readonly cancel_at_period_end: boolean } | null;
};
type History = {
  readonly total: number;
  readonly payments: readonly { readonly status: string; readonly amount: number }[];
};
type Stats = { readonly successful_payments: number; readonly total_amount_paid: number };

/** What a user does, from the login to the cancellation, each step checked. Throws at the first that fails. */
export async function buyOnce(matcha: Matcha, pile: Pile, steps: Steps): Promise<void> {
  const visitor = pile.add(new Visitor(matcha.origin));
  const state = (): Promise<SubscriptionState> => visitor.call('GET', '/api/stripe/subscription');

  await steps.run('log in', () => visitor.logIn());
  await steps.run('websocket acknowledged', () => visitor.connect());
  await steps.run('not premium yet', async () => {
    expectThat(!(await state()).is_premium, 'The user is premium before having paid');
  });
  const session = await steps.run('buy (POST subscription)', () =>
    visitor.call<{ url: string }>('POST', '/api/stripe/subscription', { plan_type: 'mensuel' }),
  );
  await steps.run('pay on the hosted checkout page', () =>
    payOnHostedPage(session.url, GOOD_CARD, matcha.origin),
  );
  await steps.run('premium_activated over the websocket', () => visitor.hear('premium_activated'));
  await steps.run('payment_succeeded over the websocket', () => visitor.hear('payment_succeeded'));
  await steps.run('premium (GET subscription)', async () => {
    const now = await state();
    expectThat(now.is_premium, `Not premium after premium_activated: ${JSON.stringify(now)}`);
    // The payment grants premium; that the subscription became active is another event, a moment later.
    const active = await poll(
      async () => ((await state()).subscription?.status === 'active' ? true : undefined),
      {
        everyMs: 50,
        timeoutMs: 15_000,
      },
    );
    expectThat(active === true, `The subscription does not become active: ${JSON.stringify(await state())}`);
  });
  await steps.run('one payment in the history', async () => {
    const history = await visitor.call<History>('GET', '/api/stripe/payment/history');
    const [payment] = history.payments;
    const right = history.total === 1 && payment?.status === 'succeeded' && payment.amount === 9.99;
    expectThat(right, `The history is ${JSON.stringify(history)}`);
  });
  await steps.run('payment statistics', async () => {
    const stats = await visitor.call<Stats>('GET', '/api/stripe/payment/stats');
    const right = stats.successful_payments === 1 && stats.total_amount_paid === 9.99;
    expectThat(right, `The statistics are ${JSON.stringify(stats)}`);
  });
  await steps.run('billing portal opens', async () => {
    const back = encodeURIComponent(`${matcha.origin}/`);
    const { url } = await visitor.call<{ url: string }>(
      'GET',
      `/api/stripe/subscription/billing-portal?return_url=${back}`,
    );
    const { status } = await fetch(url);
    expectThat(status === 200, `The billing portal answered ${status}`);
  });
  await steps.run('cancel at the end of the period', () =>
    visitor.call('DELETE', '/api/stripe/subscription', { at_period_end: true }),
  );
  await steps.run('premium_cancelled over the websocket', () => visitor.hear('premium_cancelled'));
  await steps.run('still premium until then', async () => {
    const { is_premium, subscription } = await state();
    const right = is_premium && subscription?.cancel_at_period_end === true;
    expectThat(right, `After the cancellation: ${JSON.stringify({ is_premium, subscription })}`);
  });
}
