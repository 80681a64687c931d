import type { MikroORM } from '@mikro-orm/postgresql';
import { PermanentError, toError } from '../errors.ts';
import { type CorkableStream, gatheredWrites } from '../turn-writes.ts';

/** The part of a node-postgres client that is used here; the driver is MikroORM's, not ours. */
type Client = {
  query(statement: string, values?: readonly unknown[]): Promise<{ command: string; rows: unknown[] }>;
  release(destroy?: boolean): void;
  readonly connection?: { readonly stream?: CorkableStream };
};

/**
 * A transaction whose statements do not wait for each other's answers: those sent in one turn leave in one write and
 * are answered in one read, where one after the other costs a round trip each. PostgreSQL runs them in the order they
 * were sent in, each on a snapshot of its own, and none after one that failed.
 */
export class Transaction {
  readonly #client: Client;
  readonly #gather: () => void;
  #last: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;

  constructor(client: Client) {
    this.#client = client;
    this.#gather = gatheredWrites(() => client.connection?.stream, process.nextTick);
  }

  /** Runs a statement with its values bound by the driver (`$1`, `$2`, …). @returns the rows it answers with */
  ask<Row>(statement: string, values: readonly unknown[] = []): Promise<Row[]> {
    this.#gather();
    const answer = this.#client.query(statement, values).then(
      ({ rows }) => rows as Row[],
      (thrown: unknown) => {
        // What comes after a statement that failed fails for that reason alone.
        this.#failure ??= toError(thrown);
        throw this.#failure;
      },
    );
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /**
   * Runs a statement that nobody waits for; should it fail, the transaction does.
   * @param use gets its rows, before the transaction is over
   */
  tell<Row>(statement: string, values: readonly unknown[] = [], use?: (rows: Row[]) => void): void {
    this.#last = this.ask<Row>(statement, values).then(use, () => undefined);
  }

  /** Resolves when everything sent so far is done. @throws {Error} the first failure */
  async settled(): Promise<void> {
    await this.#last;
    if (this.#failure) throw this.#failure;
  }

  /** Leaves together with the last statements; when one of those fails, nothing is committed. @throws {Error} then */
  async commit(): Promise<void> {
    this.#gather();
    const { command } = await this.#client.query('commit');
    if (this.#failure) throw this.#failure;
    if (command !== 'COMMIT') throw new Error(`PostgreSQL answered ${command} to a commit`);
  }

  /** @returns whether the connection can still be used */
  rollback(): Promise<boolean> {
    return this.#client.query('rollback').then(
      () => true,
      () => false,
    );
  }
}

/**
 * Does work in one transaction of its own; what the work has sent by the time it is done is committed, all or nothing.
 * @throws {PermanentError} when PostgreSQL cannot take a value as it is, whoever tries again
 * @throws what else the work or one of its statements failed with; nothing is changed then
 */
export async function inTransaction<R>(
  orm: MikroORM,
  work: (transaction: Transaction) => Promise<R>,
): Promise<R> {
  const pool = await orm.em.getConnection().getNativeClient();
  const client: Client = await pool.connect();
  const transaction = new Transaction(client);
  let usable = true;
  try {
    transaction.tell('begin');
    const result = await work(transaction);
    await transaction.commit();
    return result;
  } catch (thrown) {
    usable = await transaction.rollback();
    throw refusedForGood(thrown) ?? thrown;
  } finally {
    client.release(!usable);
  }
}

/** SQLSTATE class 22, data exceptions: too long for its column, too large for its type, no text. */
const DATA_EXCEPTION = /^22/;

function refusedForGood(thrown: unknown): PermanentError | undefined {
  const { code, message } = toError(thrown) as Error & { code?: unknown };
  if (typeof code !== 'string' || !DATA_EXCEPTION.test(code)) return undefined;
  return new PermanentError(`PostgreSQL cannot keep a value of it: ${message}`, { cause: thrown });
}
