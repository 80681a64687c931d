import { Redis } from 'ioredis';
import type { Matcha } from '../rig/matcha.ts';
import { poll } from '../rig/poll.ts';
import { VICTIMS } from './world.ts';

const APPLIED_TIMEOUT_MS = 60_000;

/**
 * Looks at what the requests have left behind: nothing of a forged event, every genuine one applied, and nothing at
 * all in the name of a victim.
 * @param genuine how many genuine events were answered 200
 * @returns what is wrong, in words
 */
export async function aftermath(matcha: Matcha, genuine: number): Promise<string[]> {
  const applied = async (): Promise<number> => {
    const [row] = await matcha.query(
      `select count(*) as count from webhook_events where stripe_event_id like 'evt_genuine_%' and processed`,
    );
    return Number(row?.count);
  };
  await poll(async () => ((await applied()) >= genuine ? true : undefined), {
    everyMs: 200,
    timeoutMs: APPLIED_TIMEOUT_MS,
  });
  const wrong: string[] = [];
  const found = await applied();
  if (found !== genuine) wrong.push(`${genuine} genuine events were accepted and ${found} applied`);

  const forged = await matcha.query(
    `select stripe_event_id as id from webhook_events where stripe_event_id like '%forged%' limit 5`,
  );
  for (const { id } of forged) wrong.push(`A forged event is in the database: ${id}`);
  for (const key of await keysLike(matcha, '*forged*')) wrong.push(`A forged event is in Redis: ${key}`);

  for (const table of ['subscriptions', 'checkout_sessions', 'customers', 'outbox_messages']) {
    const [row] = await matcha.query(`select count(*) as count from ${table} where user_id = any($1)`, [
      VICTIMS,
    ]);
    if (Number(row?.count) > 0) wrong.push(`${row?.count} rows of victims in ${table}`);
  }
  const [premium] = await matcha.query(
    'select count(*) as count from users where id = any($1) and premium is not null',
    [VICTIMS],
  );
  if (Number(premium?.count) > 0) wrong.push(`${premium?.count} victims became premium`);
  return wrong;
}

async function keysLike(matcha: Matcha, pattern: string): Promise<string[]> {
  const redis = new Redis(matcha.env.REDIS_URL ?? '');
  const found: string[] = [];
  for await (const keys of redis.scanStream({ match: pattern, count: 1_000 })) found.push(...keys);
  redis.disconnect();
  return found.slice(0, 5);
}
