import Stripe from 'stripe';
import { createSandbox, type Sandbox, type SandboxOptions } from '../../../sandbox/index.ts';
import { Api, type ApiOptions, PRICES } from './api.ts';

export type WithStripe = { api: Api; sandbox: Sandbox; stripe: Stripe };

/** One API and one sandbox for a suite, following the sandbox's clock. Read it inside tests and hooks only. */
export function useApiWithStripe(
  env: ApiOptions['env'] = {},
  options: SandboxOptions = {},
  /** More of the environment, from what has to be started first. */
  prepare: () => Promise<ApiOptions['env']> = async () => ({}),
): () => WithStripe {
  let parts: WithStripe | undefined;
  before(async () => {
    const sandbox = await createSandbox({ prices: PRICES, ...options });
    const api = await Api.start({ env: { STRIPE_API_BASE: sandbox.url, ...env, ...(await prepare()) } });
    parts = { api, sandbox, stripe: new Stripe('sk_test_of_the_tests', sandbox.stripeOptions) };
  });
  after(async () => {
    await parts?.api.close();
    await parts?.sandbox.close();
  });
  return () => {
    if (parts === undefined) throw new Error('The API of this suite is not started yet');
    return parts;
  };
}

/** What `subscriptions` says of a subscription, as the worker would have written it. */
export type SubscriptionRow = {
  user: number;
  stripeId: string;
  customer?: string;
  plan?: 'mensuel' | 'annuel';
  status?: string;
  stripeStatus?: string | null;
  duplicateOf?: number | null;
};

export async function addSubscription(api: Api, row: SubscriptionRow): Promise<number> {
  const [inserted] = await api.query(
    `insert into subscriptions (user_id, stripe_subscription_id, stripe_customer_id, plan_type, status, stripe_status,
       current_period_start, current_period_end, stripe_created_at, duplicate_of)
     values ($1, $2, $3, $4, $5, $6, '2026-07-01 10:00:00', '2026-08-01 10:00:00', '2026-07-01 10:00:00', $7)
     returning id`,
    [
      row.user,
      row.stripeId,
      row.customer ?? 'cus_unknown',
      row.plan ?? 'mensuel',
      row.status ?? 'active',
      row.stripeStatus === undefined ? (row.status ?? 'active') : row.stripeStatus,
      row.duplicateOf ?? null,
    ],
  );
  return Number(inserted?.id);
}

/** The jobs of the maintenance queue, oldest first. */
export function maintenanceJobs(api: Api): Promise<unknown[]> {
  return api.inQueue('maintenance', async (queue) =>
    (await queue.getJobs(['wait'], 0, -1, true)).map((job) => job.data),
  );
}
