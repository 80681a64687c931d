import { DAY } from '../../../shared/duration.ts';
import type { SweepDeps } from './sweep.ts';

const MOST_AT_ONCE = 2_000;

/**
 * Drops the payloads of old events and keeps their trace: personal data has an end, the proof that an event was
 * applied has none. Events that still wait for something keep theirs.
 */
export async function sweepOldPayloads({ orm, clock, retentionDays }: SweepDeps): Promise<number> {
  const before = new Date(clock.now().getTime() - retentionDays * DAY).toISOString();
  const { affectedRows } = await orm.em.fork().execute<{ affectedRows: number }>(
    `update webhook_events set data = null where id in (
       select id from webhook_events
       where created_at < ? and processed and data is not null
       order by created_at limit ${MOST_AT_ONCE})`,
    [before],
    'run',
  );
  return affectedRows;
}
