import { toError } from './errors.ts';
import type { Logger } from './logger.ts';

/** Releases one resource; called at most once. */
export type Closer = () => Promise<unknown> | unknown;

/**
 * A last-in-first-out stack of closers, so that what was opened last closes first.
 * `close` is safe to call twice: the second caller waits for the first run.
 */
export class ShutdownStack {
  readonly #closers: { name: string; close: Closer }[] = [];
  readonly #logger: Logger;
  #closing: Promise<void> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  push(name: string, close: Closer): void {
    this.#closers.push({ name, close });
  }

  /** Runs every closer, going on after a failure. */
  close(): Promise<void> {
    this.#closing ??= this.#run();
    return this.#closing;
  }

  async #run(): Promise<void> {
    for (let entry = this.#closers.pop(); entry; entry = this.#closers.pop()) {
      try {
        await entry.close();
      } catch (thrown) {
        this.#logger.error({ err: toError(thrown), resource: entry.name }, `Could not close ${entry.name}`);
      }
    }
  }
}

/**
 * Ends the process cleanly on SIGTERM and SIGINT: closes the stack and exits 0, or exits 1 when that takes longer
 * than `timeoutMs`.
 */
export function exitOnSignal(stack: ShutdownStack, logger: Logger, timeoutMs: number): void {
  // Lines are written in the background: the last ones say why the process ended.
  const exit = (code: number): void => logger.flush(() => process.exit(code));
  const stop = (signal: NodeJS.Signals): void => {
    logger.info({ signal }, `Stopping on ${signal}`);
    const deadline = setTimeout(() => {
      logger.fatal({ timeoutMs }, `Did not stop within ${timeoutMs} ms; what was in hand will be run again`);
      exit(1);
    }, timeoutMs);
    void stack.close().then(() => {
      clearTimeout(deadline);
      logger.info('Stopped');
      exit(0);
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
