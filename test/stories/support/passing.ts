import type { World } from './world.ts';

/** Moves time in steps, each with a sweep, as in life: what time alone changes is found on the way. */
export async function passes(world: World, seconds: number, stepSeconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= stepSeconds) {
    await world.advance(Math.min(left, stepSeconds));
    await world.maintain({ task: 'sweep' });
  }
}
