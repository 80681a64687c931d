import { AttentionDone } from '../../shared/entities/index.ts';
import { HttpError } from '../../shared/errors.ts';
import type { WebDeps } from '../deps.ts';
import { timestamp } from '../envelope.ts';
import { attentionOf, type MarkableEntry } from './attention.ts';

type DoneDeps = Pick<WebDeps, 'orm' | 'clock' | 'config'>;

/** All that is known of who calls an operator's route: that they have the key. */
const DONE_BY = 'internal key';

/**
 * Notes that something at attention is settled, and why; it is not shown again. Saying it twice changes nothing: the
 * first word stands.
 * @throws {HttpError} 404 when nothing of that kind and id is at attention
 */
export async function markDone({ kind, id, reason }: MarkableEntry & { reason: string }, deps: DoneDeps) {
  const em = deps.orm.em.fork();
  const marked = await em.findOne(AttentionDone, { kind, subject: id });
  if (marked) return viewOf(marked);
  const entries = await attentionOf(deps);
  if (!entries.money.some((entry) => entry.kind === kind && entry.id === id)) {
    throw HttpError.notFound(
      'not_at_attention',
      `There is no ${kind} of ${id} at attention: take kind and id from an entry of GET /api/admin/attention`,
    );
  }
  const mark = { kind, subject: id, reason, doneBy: DONE_BY, doneAt: deps.clock.now() };
  const insert = em.createQueryBuilder(AttentionDone).insert(mark).onConflict(['kind', 'subject']);
  await insert.ignore().execute('run');
  return viewOf(await em.findOneOrFail(AttentionDone, { kind, subject: id }));
}

function viewOf({ kind, subject, reason, doneBy, doneAt }: AttentionDone) {
  return { kind, id: subject, reason, done_by: doneBy, done_at: timestamp(doneAt) };
}
