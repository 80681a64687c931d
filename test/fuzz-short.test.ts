import { expect } from 'chai';
import { runFuzz } from '../fuzz/run.ts';
import { Pile } from '../rig/pile.ts';

const TIMEOUT_MS = 120_000;

describe('Fuzz, for a moment', function () {
  this.timeout(TIMEOUT_MS);
  this.slow(30_000);

  it('answers what nobody should send without failing, and believes none of it', async () => {
    const pile = new Pile();
    try {
      const report = await runFuzz(
        // Slow senders take as long as the servers allow: `npm run fuzz` waits for that.
        { seed: 7, requests: 3_000, maxSeconds: 60, connections: 16, slowSenders: 0, sockets: 20 },
        pile,
      );
      expect(report.violations).to.deep.equal([]);
      expect(report.requests).to.equal(3_000);
    } finally {
      await pile.close();
    }
  });
});
