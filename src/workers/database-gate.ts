import { setTimeout as wait } from 'node:timers/promises';
import type { MikroORM } from '@mikro-orm/postgresql';
import { pingDatabase } from '../shared/database/index.ts';
import { SECOND } from '../shared/duration.ts';
import type { Logger } from '../shared/logger.ts';

const PROBE_TIMEOUT_MS = 2 * SECOND;
const PROBE_INTERVAL_MS = SECOND / 2;

/**
 * Tells a failing database from a failing event. While PostgreSQL is away or takes no writes, jobs in hand wait here
 * instead of burning their attempts, and go on within a second of its return.
 */
export class DatabaseGate {
  readonly #orm: MikroORM;
  readonly #logger: Logger;
  #probe: Promise<boolean> | undefined;
  #wasUp = true;

  constructor(orm: MikroORM, logger: Logger) {
    this.#orm = orm;
    this.#logger = logger;
  }

  /** Asks the database whether it takes writes, once for all who ask at the same time. */
  isUp(): Promise<boolean> {
    this.#probe ??= this.#ask().finally(() => {
      this.#probe = undefined;
    });
    return this.#probe;
  }

  /** Resolves when the database answers again; rejects when `signal` says to stop. */
  async whenUp(signal: AbortSignal): Promise<void> {
    while (!(await this.isUp())) await wait(PROBE_INTERVAL_MS, undefined, { signal });
  }

  async #ask(): Promise<boolean> {
    const answer = pingDatabase(this.#orm)
      .then(() => true)
      .catch((error: unknown) => {
        if (this.#wasUp) this.#logger.error({ err: error }, 'PostgreSQL is away; jobs wait for it');
        return false;
      });
    const up = await Promise.race([answer, wait(PROBE_TIMEOUT_MS, false)]);
    if (up && !this.#wasUp) this.#logger.info('PostgreSQL is back');
    this.#wasUp = up;
    return up;
  }
}
