import { expect } from 'chai';
import type { Member, SubscriptionAnswer } from './member.ts';
import type { World } from './world.ts';

/** What the API says to a user, in few words. */
export type Account = {
  /** Why the user is premium, or `none`. */
  reason: string;
  until: Date | null;
  plan: string | null;
  /** Stripe's word for the subscription that counts. */
  status: string | null;
  /** Whether its end is scheduled. */
  ending: boolean;
  /** Newest first, such as `9.99 eur succeeded` or `9.99 eur succeeded, 4 back`. */
  payments: string[];
};

type History = {
  payments: { amount: number; currency: string; status: string; amount_refunded?: number }[];
  total: number;
};

type Stats = {
  total_payments: number;
  successful_payments: number;
  success_rate: number;
  by_currency: Record<string, { total_payments: number; successful_payments: number }>;
};

/** Asks everything the API tells a user. The routes must agree with each other and with `users.premium`. */
export async function accountOf(member: Member, world: World): Promise<Account> {
  const answer = await member.subscription();
  const { is_premium } = await dataOf<{ is_premium: boolean }>(member, 'subscription/premium-status');
  expect(is_premium, 'both premium routes').to.equal(answer.is_premium);
  expect(answer.reason !== 'none', `premium for the reason ${answer.reason}`).to.equal(answer.is_premium);
  const until = (await world.rows.premium(member.id)) ?? null;
  expect(answer.premium_until && new Date(answer.premium_until), 'premium_until').to.deep.equal(until);
  expect(until !== null && until > world.now, 'users.premium').to.equal(answer.is_premium);
  return { ...standing(answer), until, payments: await paymentsOf(member) };
}

function standing({ reason, subscription }: SubscriptionAnswer) {
  return {
    reason,
    plan: subscription?.plan_type ?? null,
    status: subscription?.stripe_status ?? null,
    ending: subscription?.cancel_at_period_end ?? false,
  };
}

async function paymentsOf(member: Member): Promise<string[]> {
  const { payments, total } = await dataOf<History>(member, 'payment/history?limit=100');
  const stats = await dataOf<Stats>(member, 'payment/stats');
  expect(total, 'total of the history').to.equal(payments.length);
  expect(stats.total_payments, 'total of the statistics').to.equal(payments.length);
  const succeeded = payments.filter(({ status }) => status === 'succeeded').length;
  expect(stats.successful_payments, 'successful payments').to.equal(succeeded);
  expect(Object.keys(stats.by_currency).sort(), 'currencies').to.deep.equal(
    [...new Set(payments.map(({ currency }) => currency))].sort(),
  );
  return payments.map(
    ({ amount, currency, status, amount_refunded: back }) =>
      `${amount} ${currency} ${status}${back ? `, ${back} back` : ''}`,
  );
}

async function dataOf<T>(member: Member, path: string): Promise<T> {
  const { status, body } = await member.get(`/api/stripe/${path}`);
  expect(status, path).to.equal(200);
  return body.data as T;
}
