import { setTimeout as sleep } from 'node:timers/promises';
import { type SqlClient, withSql } from '../../rig/sql.ts';
import { NOTIFICATIONS_A_PURCHASE } from '../events/templates.ts';
import { type House, prepareStream, webhookOf } from '../house.ts';
import type { Installation } from '../installation.ts';
import { insistOnAll, prepareFlood } from '../load/flood.ts';
import { startWatch } from '../measure/stopwatch.ts';
import { megabytes } from './row.ts';

const POLL_MS = 50;
const PATIENCE_MS = 300_000;

/** Lets the worker take events, or keeps it from them. */
export type Valve = { open(): Promise<void>; shut(): Promise<void> };

/**
 * Sends events and waits until all are accepted, as many are committed, and what those announced has reached the
 * gateway. With a backlog it is the backlog's events that are applied meanwhile; how many of them announce something
 * depends on where in the backlog it was.
 * @param valve opened when the first event is sent, and shut when as many are applied: with a backlog the worker is
 *   never idle, and would go on to many more than are accepted
 */
export function runPipeline(
  house: House,
  installation: Installation,
  wanted: number,
  connections: number,
  valve?: Valve,
): Promise<Record<string, number>> {
  const { databases } = house.postgres;
  // Over one connection: a new one for each look is a new process, and PostgreSQL's time is what is measured.
  return withSql(databases.address(installation.matcha.database), (sql) =>
    runWatched(sql, house, installation, wanted, connections, valve),
  );
}

async function runWatched(
  sql: SqlClient,
  house: House,
  { matcha, redis, web, worker, counted }: Installation,
  wanted: number,
  connections: number,
  valve: Valve | undefined,
): Promise<Record<string, number>> {
  const stream = await prepareStream(house, matcha.database, wanted);
  const notifications = (stream.count / stream.templates.length) * NOTIFICATIONS_A_PURCHASE;
  const flood = await prepareFlood({ target: webhookOf(matcha), ...stream, connections });
  const toldBefore = (await counted()).distinct;
  const newest = await newestIn(sql, 'webhook_events');
  const newestMessage = await newestIn(sql, 'outbox_messages');

  const servers = { redis: redis.pid, postgres: house.postgres.pid };
  const stop = startWatch({ web: web.pid, worker: worker.pid, ...servers });
  const startedAt = performance.now();
  await valve?.open();
  const sending = flood.start();
  // Counting takes PostgreSQL longer than one look into an index, so events are counted once there may be enough.
  const done = await until(
    async () =>
      (await newestIn(sql, 'webhook_events')) >= newest + stream.count &&
      (await appliedSince(sql, newest)) >= stream.count,
  );
  await valve?.shut();
  const messages = await messagesSince(sql, newestMessage);
  const told = await until(async () => (await counted()).distinct - toldBefore >= messages);
  const result = insistOnAll(await sending, stream.count, 'The service');
  const seconds = (performance.now() - startedAt) / 1_000;
  const lap = stop();
  const applied = await appliedSince(sql, newest);
  if (!told || !done || messages < notifications / 2) {
    throw new Error(
      `Of ${stream.count} events ${applied} were applied, of ${messages} ` +
        `notifications ${(await counted()).distinct - toldBefore} told, in ${seconds.toFixed(0)} s. ` +
        `The worker's last lines:\n${worker.lines.slice(-5).join('\n')}`,
    );
  }
  return {
    'events/s': stream.count / seconds,
    'web µs/event': lap.cpuUs.web / stream.count,
    // With a backlog it had some more in hand.
    'worker µs/event': lap.cpuUs.worker / applied,
    'redis µs/event': lap.cpuUs.redis / stream.count,
    'postgres µs/event': lap.cpuUs.postgres / applied,
    'all µs/event': lap.ownUs / stream.count,
    'accepted/s': result.accepted / result.seconds,
    'web MB': megabytes(lap.rssBytes.web),
    'worker MB': megabytes(lap.rssBytes.worker),
    'elsewhere %': lap.elsewhere * 100,
  };
}

/** The id of the newest row. */
async function newestIn(sql: SqlClient, table: 'webhook_events' | 'outbox_messages'): Promise<number> {
  const { rows } = await sql.query(`select coalesce(max(id), 0) as id from ${table}`);
  return Number(rows[0]?.id);
}

async function messagesSince(sql: SqlClient, newest: number): Promise<number> {
  const { rows } = await sql.query(`select count(*) as count from outbox_messages where id > $1`, [newest]);
  return Number(rows[0]?.count);
}

/** How many events were committed after a row; the older rows are not read. */
async function appliedSince(sql: SqlClient, newest: number): Promise<number> {
  const { rows } = await sql.query(
    `select count(*) as count from webhook_events where id > $1 and processed`,
    [newest],
  );
  return Number(rows[0]?.count);
}

async function until(isTrue: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await isTrue())) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}
