import { expect } from 'chai';
import fc from 'fast-check';
import { permutations } from './support/arrivals.ts';
import { differences } from './support/final-state.ts';
import { type Arrival, House, type Outcome } from './support/house.ts';
import { LIFECYCLES, type Lifecycle } from './support/lifecycles.ts';
import { NEWEST, type RecordedEvent } from './support/recorder.ts';
import { wrongFacts } from './support/told.ts';

/** Permutations of each lifecycle's events. `PERMUTATIONS=300 npm test -- test/resilience/order.test.ts` tries more. */
const RUNS = Number(process.env.PERMUTATIONS ?? 2);
/** `SEED=… npm test …` repeats a run. */
const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const TIMEOUT_MS = 60_000 + RUNS * 20_000;

describe('The order of events', function () {
  this.timeout(TIMEOUT_MS);
  this.slow(30_000);

  /** Houses by what they were opened with: lifecycles that want the same share one. */
  const houses = new Map<string, House>();
  let tried = 0;
  let swept = 0;
  let startedAt = 0;

  before(() => {
    startedAt = performance.now();
  });
  after(async () => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
    console.log(
      `${tried} permutations of the events of ${LIFECYCLES.length} lifecycles in ${seconds} s (SEED=${SEED}); ` +
        `${swept} events left to the sweep`,
    );
    for (const house of houses.values()) await house.close();
  });

  async function houseFor({ billing, env }: Lifecycle): Promise<House> {
    const key = JSON.stringify({ billing, env });
    const house = houses.get(key) ?? (await House.open({ billing, env }));
    houses.set(key, house);
    return house;
  }

  for (const lifecycle of LIFECYCLES) {
    it(`does not matter, nor do duplicates and several workers: ${lifecycle.name}`, async () => {
      const house = await houseFor(lifecycle);
      const events = await house.live(lifecycle, (fresh) => inOrder(house, fresh));
      const live = await house.outcome();
      const { state: reference } = await replay(house, events);
      expect(reference.open, 'events that are not applied').to.deep.equal([]);

      const property = fc.asyncProperty(permutations(events), async ({ groups }) => {
        tried += 1;
        await house.freshRows();
        for (const group of groups) await house.deliver(group);
        swept += await house.sweepLeftovers();
        const outcome = await house.outcome();
        const now = {
          at: house.world.now,
          isPremium: isPremium(house, live),
          endingSubscriptions: endingSubscriptions(live),
        };
        const wrong = [
          ...differences(reference, outcome.state),
          ...wrongFacts(outcome.facts, live.facts, now),
        ];
        // Thrown as it is: an assertion would shorten it.
        if (wrong.length > 0) throw new Error(wrong.join('\n'));
      });
      await fc.assert(property, { numRuns: RUNS, seed: SEED });
    });

    it(`does not matter while life goes on either: ${lifecycle.name}`, async () => {
      const house = await houseFor(lifecycle);
      // As many of each as any lifecycle has pauses and events.
      const delays = fc.array(fc.oneof(fc.constant(0), fc.nat({ max: 3 })), { minLength: 80, maxLength: 80 });
      const keys = fc.array(fc.nat({ max: 9 }), { minLength: 80, maxLength: 80 });

      const property = fc.asyncProperty(delays, keys, fc.boolean(), async (delay, key, oneByOne) => {
        tried += 1;
        const late: { due: number; key: number; event: RecordedEvent }[] = [];
        let pause = 0;
        let count = 0;
        const arrive = async (isDue: (due: number) => boolean): Promise<void> => {
          const due = late.filter((each) => isDue(each.due)).sort((a, b) => a.key - b.key);
          for (const each of due) late.splice(late.indexOf(each), 1);
          const arrivals = due.map(({ event }): Arrival => ({ event, version: NEWEST, by: 'http' }));
          for (const group of oneByOne ? arrivals.map((arrival) => [arrival]) : [arrivals])
            await house.deliver(group);
        };
        const events = await house.live(lifecycle, async (fresh) => {
          for (const event of fresh) {
            late.push({ due: pause + (delay[count] ?? 0), key: key[count] ?? 0, event });
            count += 1;
          }
          await arrive((due) => due <= pause);
          await house.world.maintain({ task: 'sweep' });
          pause += 1;
        });
        await arrive(() => true);
        swept += await house.sweepLeftovers();
        const found = await house.outcome();
        const reference = await replay(house, events);
        const wrong = differences(reference.state, found.state);
        if (wrong.length > 0) throw new Error(wrong.join('\n'));
      });
      await fc.assert(property, { numRuns: Math.ceil(RUNS / 2), seed: SEED });
    });
  }
});

/** As life has it: each event in its turn, and the sweep as time goes by. */
async function inOrder(house: House, events: readonly RecordedEvent[]): Promise<void> {
  for (const event of events) await house.deliver([{ event, version: NEWEST, by: 'http' }]);
  await house.world.maintain({ task: 'sweep' });
}

/** All events in the order in which they happened, after they all have. */
async function replay(house: House, events: readonly RecordedEvent[]): Promise<Outcome> {
  await house.freshRows();
  for (const event of events) await house.deliver([{ event, version: NEWEST, by: 'http' }]);
  return house.outcome();
}

function isPremium(house: House, { state }: Outcome): boolean {
  return state.premium.some(
    ({ premium }) => typeof premium === 'string' && Date.parse(`${premium}Z`) > house.world.now.getTime(),
  );
}

/** Subscriptions that go on for now and have an end. */
function endingSubscriptions({ state }: Outcome): string[] {
  return state.subscriptions
    .filter((row) => row.cancel_at_period_end === true && row.ended_at === null)
    .map((row) => String(row.stripe_subscription_id));
}
