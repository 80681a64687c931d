import type { MikroORM } from '@mikro-orm/postgresql';

/** What the database says about work that waits, and about what was found. Ages and times in seconds. */
export type LedgerReading = {
  undelivered: number;
  undeliveredAge: number;
  parked: number;
  parkedAge: number;
  failed: number;
  pending: number;
  /** Unix times; null for never. */
  lastEventAt: number | null;
  reconciledAt: number | null;
  driftCheckedAt: number | null;
  endpointCheckedAt: number | null;
  drift: Record<string, number>;
  endpointProblems: string[];
};

/** The server ends the query then: a scrape must not pile up work on a database in trouble. */
const STATEMENT_TIMEOUT_MS = 1_500;

/** Most of it is read from the partial indexes of what is not done yet, which are small. */
const QUERY = `
  select
    (select json_build_object('count', count(*), 'age', extract(epoch from timezone('utc', now()) - min(created_at)))
       from outbox_messages where delivered_at is null) as outbox,
    (select json_build_object(
         'parked', count(*) filter (where waiting_for is not null),
         'parked_age', extract(epoch from timezone('utc', now()) - min(created_at) filter (where waiting_for is not null)),
         'failed', count(*) filter (where waiting_for is null and error_message is not null),
         'pending', count(*) filter (where waiting_for is null and error_message is null))
       from webhook_events where not processed) as events,
    (select extract(epoch from created_at) from webhook_events order by id desc limit 1)::float8 as last_event_at,
    (select json_object_agg(name, extract(epoch from updated_at)) from maintenance_state
       where name in ('reconciled-until', 'drift', 'webhook-endpoint')) as runs,
    (select json_object_agg(cause, found) from (
         select drift->>'cause' as cause, count(*) as found
         from maintenance_state, jsonb_array_elements(data->'drifts') as drift
         where name = 'drift' group by 1) as causes) as drift,
    (select json_agg(problem->>'code') from maintenance_state, jsonb_array_elements(data->'problems') as problem
       where name = 'webhook-endpoint') as problems`;

type Row = {
  outbox: { count: number; age: number | null };
  events: { parked: number; parked_age: number | null; failed: number; pending: number };
  last_event_at: number | null;
  runs: Record<string, number> | null;
  drift: Record<string, number> | null;
  problems: string[] | null;
};

export async function readLedger(orm: MikroORM): Promise<LedgerReading> {
  const [row] = await orm.em.fork().transactional(
    async (em) => {
      await em.execute(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
      return em.execute<Row[]>(QUERY);
    },
    { readOnly: true },
  );
  if (row === undefined) throw new Error('The database answered nothing');
  const { outbox, events, runs, drift, problems } = row;
  return {
    undelivered: outbox.count,
    undeliveredAge: outbox.age ?? 0,
    parked: events.parked,
    parkedAge: events.parked_age ?? 0,
    failed: events.failed,
    pending: events.pending,
    lastEventAt: row.last_event_at,
    reconciledAt: runs?.['reconciled-until'] ?? null,
    driftCheckedAt: runs?.drift ?? null,
    endpointCheckedAt: runs?.['webhook-endpoint'] ?? null,
    drift: drift ?? {},
    endpointProblems: problems ?? [],
  };
}
