import { createHmac, randomBytes } from 'node:crypto';
import type { MikroORM } from '@mikro-orm/postgresql';
import { HOUR } from '../duration.ts';
import { MaintenanceState } from '../entities/index.ts';
import { AppError } from '../errors.ts';
import { createSecretCheck } from '../http/constant-time.ts';

/**
 * The mark of guests' checkouts: an HMAC over a nonce of its own, in the metadata of the session and its subscription.
 * A Stripe account is shared, and `source: guest` is a word that any other shop may use. Signed with a key that the
 * migration put into the database: web and worker need not have one Stripe key between them, and a mark outlives the
 * rotation of all of them.
 */
export type SessionMarks = {
  /** Reads the key ahead, so that nobody has to who holds a connection already. Never throws. */
  warm(): Promise<void>;
  /** A new mark, to be put into a session's metadata under {@link MARK}. */
  make(): Promise<string>;
  /** Whether metadata carries a mark that this installation made. */
  isIn(metadata: Readonly<Record<string, string>>): Promise<boolean>;
  /** Whether a session is so old that the version which opened it may have made no marks. */
  isBefore(opened: Date): Promise<boolean>;
};

/** The metadata key of a mark. */
export const MARK = 'matcha_mark';

const STATE = 'session-marks';
/** A session is open for a day at most, and a release takes its time. */
const UNMARKED_MS = 25 * HOUR;

type Secret = { key: string; since: number };

const known = new WeakMap<MikroORM, SessionMarks>();

/** The marks of the installation that a database belongs to. */
export function sessionMarksOf(orm: MikroORM): SessionMarks {
  const marks = known.get(orm) ?? createSessionMarks(orm);
  known.set(orm, marks);
  return marks;
}

function createSessionMarks(orm: MikroORM): SessionMarks {
  let read: Promise<Secret> | undefined;
  const secret = (): Promise<Secret> => {
    read ??= readSecret(orm);
    // Only what was read is kept: the database may be away now and back soon.
    read.catch(() => {
      read = undefined;
    });
    return read;
  };
  const signed = async (nonce: string): Promise<string> => {
    const { key } = await secret();
    return `${nonce}.${createHmac('sha256', key).update(`guest-checkout:${nonce}`).digest('hex')}`;
  };
  return {
    warm: () =>
      secret().then(
        () => undefined,
        () => undefined,
      ),
    make: () => signed(randomBytes(16).toString('hex')),
    isIn: async ({ [MARK]: mark }) => {
      if (mark === undefined) return false;
      const [nonce = ''] = mark.split('.');
      return createSecretCheck([await signed(nonce)])(mark);
    },
    isBefore: async (opened) => opened.getTime() < (await secret()).since + UNMARKED_MS,
  };
}

async function readSecret(orm: MikroORM): Promise<Secret> {
  const row = await orm.em.fork().findOne(MaintenanceState, { name: STATE });
  const { key, since } = row?.data ?? {};
  if (typeof key !== 'string' || typeof since !== 'string') {
    throw new AppError(
      `maintenance_state has no "${STATE}": restore that row from a backup of this installation`,
    );
  }
  return { key, since: Date.parse(since) };
}
