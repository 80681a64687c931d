import { setImmediate as nextTurn } from 'node:timers/promises';

/** Resolves once something in this process is true, such as that a planned fault was hit. */
export async function untilTrue(isTrue: () => boolean): Promise<void> {
  const until = performance.now() + 5_000;
  while (!isTrue()) {
    if (performance.now() > until) throw new Error('It never came true');
    await nextTurn();
  }
}
