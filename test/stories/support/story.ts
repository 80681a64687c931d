import { expect } from 'chai';
import { World, type WorldOptions } from './world.ts';

type Tell = (world: World) => Promise<void>;

/** A test in a world of its own. When it is over, every event that Stripe sent must have been applied. */
export function story(tell: Tell): () => Promise<void> {
  return storyWith({}, tell);
}

/** @param options.leavesUnapplied a story about events that cannot be applied, or not yet */
export function storyWith(
  { leavesUnapplied = false, ...options }: WorldOptions & { leavesUnapplied?: boolean },
  tell: Tell,
): () => Promise<void> {
  return async () => {
    const world = await World.start(options);
    try {
      await tell(world);
      await world.settle();
      if (!leavesUnapplied) await everythingIsApplied(world);
    } finally {
      await world.close();
    }
  };
}

async function everythingIsApplied(world: World): Promise<void> {
  expect(await world.failedJobs(), 'events given up').to.deep.equal([]);
  const open = (await world.rows.events()).filter((event) => !event.processed);
  expect(
    open.map((event) => `${event.eventType}: ${event.errorMessage}`),
    'events not applied',
  ).to.deep.equal([]);
}
