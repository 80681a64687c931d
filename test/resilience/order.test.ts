import { expect } from 'chai';
import fc from 'fast-check';
import { permutations } from './support/arrivals.ts';
import { differences, type FinalState } from './support/final-state.ts';
import { House, type Outcome } from './support/house.ts';
import { unlessKnown } from './support/known-defect.ts';
import { LIFECYCLES, type Lifecycle } from './support/lifecycles.ts';
import { NEWEST, type RecordedEvent, VERSIONS, type Version } from './support/recorder.ts';
import { falseEnds, wrongFacts } from './support/told.ts';

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
  let ends = 0;
  let startedAt = 0;

  before(() => {
    startedAt = performance.now();
  });
  after(async () => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
    console.log(
      `${tried} permutations of the events of ${LIFECYCLES.length} lifecycles in ${seconds} s (SEED=${SEED}); ` +
        `${ends} ends of premium told that were none`,
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
    it(`does not matter, nor do duplicates and several workers: ${lifecycle.name}`, async function () {
      unlessKnown(this, lifecycle.defect);
      const house = await houseFor(lifecycle);
      const events = await house.live(lifecycle, (fresh) => inOrder(house, fresh));
      const live = await house.outcome();
      expect(live.state.open, 'events that are not applied').to.deep.equal([]);
      const { differsByVersion = false } = lifecycle;
      const references = new Map([[NEWEST as Version, (await replay(house, events, NEWEST)).state]]);
      const expected = async (version: Version | 'any'): Promise<FinalState> => {
        const wanted = version === 'any' || !differsByVersion ? NEWEST : version;
        const known = references.get(wanted) ?? (await replay(house, events, wanted)).state;
        references.set(wanted, known);
        return known;
      };

      const versions = differsByVersion ? VERSIONS : ([...VERSIONS, 'any'] as const);
      const property = fc.asyncProperty(permutations(events, versions), async ({ version, groups }) => {
        tried += 1;
        const reference = await expected(version);
        await house.freshRows();
        for (const group of groups) await house.deliver(group);
        const outcome = await house.outcome();
        ends += falseEnds(outcome.facts, live.facts).length;
        const now = { at: house.world.now, isPremium: isPremium(house, live) };
        const wrong = [
          ...differences(reference, outcome.state),
          ...wrongFacts(outcome.facts, live.facts, now),
        ];
        // Thrown as it is: an assertion would shorten it.
        if (wrong.length > 0) throw new Error(wrong.join('\n'));
      });
      await fc.assert(property, { numRuns: RUNS, seed: SEED });
    });
  }
});

/** As life has it: each event in its turn, and the sweep as time goes by. */
async function inOrder(house: House, events: readonly RecordedEvent[]): Promise<void> {
  for (const event of events) await house.deliver([{ event, version: NEWEST, by: 'http' }]);
  await house.world.maintain({ task: 'sweep' });
}

/** All events in the order in which they happened, after they all have. */
async function replay(house: House, events: readonly RecordedEvent[], version: Version): Promise<Outcome> {
  await house.freshRows();
  for (const event of events) await house.deliver([{ event, version, by: 'http' }]);
  return house.outcome();
}

function isPremium(house: House, { state }: Outcome): boolean {
  return state.premium.some(
    ({ premium }) => typeof premium === 'string' && Date.parse(`${premium}Z`) > house.world.now.getTime(),
  );
}
