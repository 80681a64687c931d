import { ConfigError, toError } from '../../shared/errors.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

/**
 * Runs an operator's command and ends the process: 0 when it did everything, 1 when something went wrong or is left
 * to do, 2 when it was called wrongly.
 * @param work answers with the exit code
 */
export async function runCommand(name: string, work: (workshop: Workshop) => Promise<number>): Promise<void> {
  let workshop: Workshop | undefined;
  try {
    workshop = await openWorkshop(name);
    process.exitCode = await work(workshop);
  } catch (thrown) {
    const error = toError(thrown);
    console.error(error instanceof ConfigError ? error.message : `${name} failed: ${error.message}`);
    process.exitCode = 1;
  } finally {
    await workshop?.close();
  }
}

/** Says how a command is called, and ends it. */
export function misused(message: string, usage: string): never {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
}
