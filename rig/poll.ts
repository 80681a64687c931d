import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Repeats `attempt` until it gives something other than undefined.
 * @param everyMs pause between two attempts, in milliseconds
 * @returns undefined when `timeoutMs` pass first
 */
export async function poll<T>(
  attempt: () => Promise<T | undefined>,
  { everyMs, timeoutMs }: { everyMs: number; timeoutMs: number },
): Promise<T | undefined> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const result = await attempt();
    if (result !== undefined || Date.now() >= deadline) return result;
    await sleep(everyMs);
  }
}
