import { expect } from 'chai';
import { runChaos } from '../chaos/run.ts';
import { Pile } from '../rig/pile.ts';

const TIMEOUT_MS = 180_000;

/** `CHAOS_SEED=… npm test -- test/chaos-short.test.ts` repeats a run; `npm run chaos` makes long ones. */
const SEED = Number(process.env.CHAOS_SEED ?? 7);

describe('Chaos, for a moment', function () {
  this.timeout(TIMEOUT_MS);
  this.slow(60_000);

  it('loses nothing, doubles nothing, and ends as if nothing had happened', async () => {
    const pile = new Pile();
    try {
      const report = await runChaos(
        { seed: SEED, faults: 8, users: 4, webs: 1, workers: 2, gateways: 1 },
        pile,
      );
      const { violations, timeline } = report;
      expect(violations, `seed ${SEED}:\n${timeline.join('\n')}\n`).to.deep.equal([]);
      expect(report.answered).to.be.greaterThan(20);
    } finally {
      await pile.close();
    }
  });
});
