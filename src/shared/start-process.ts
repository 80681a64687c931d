import { SECOND } from './duration.ts';
import { ConfigError } from './errors.ts';
import { keepHeapSmall } from './heap.ts';
import { createLogger, type Logger } from './logger.ts';
import { exitOnSignal, ShutdownStack } from './shutdown.ts';

/** How long a process may take to finish what is in hand after SIGTERM, in milliseconds. */
const STOP_WITHIN_MS = 20 * SECOND;

/** What every process is told. */
type StartConfig = {
  readonly logging: { level: string; pretty: boolean };
  /** Keys that are shorter than they should be, where a process has any. */
  readonly shortKeys?: readonly string[] | undefined;
};

/**
 * Runs a process from its environment to its end: reads the configuration, starts, and stops cleanly on a signal.
 * Whatever keeps it from starting is said once and ends it with 1.
 * @param start pushes a closer for everything it opens
 */
export async function startProcess<C extends StartConfig>(
  name: string,
  readConfig: (environment: NodeJS.ProcessEnv) => C,
  start: (parts: { config: C; logger: Logger; stack: ShutdownStack }) => Promise<void>,
): Promise<void> {
  keepHeapSmall(name);
  try {
    const config = readConfig(process.env);
    const logger = createLogger(name, config.logging.level, config.logging);
    for (const name of config.shortKeys ?? []) {
      logger.warn(
        { variable: name },
        `${name} has fewer than 32 bytes: rotate it to a longer one (openssl rand -hex 32)`,
      );
    }
    const stack = new ShutdownStack(logger);
    exitOnSignal(stack, logger, STOP_WITHIN_MS);
    await start({ config, logger, stack });
  } catch (error) {
    console.error(error instanceof ConfigError ? error.message : error);
    process.exit(1);
  }
}
