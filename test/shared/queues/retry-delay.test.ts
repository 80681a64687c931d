import { expect } from 'chai';
import { DAY, SECOND } from '../../../src/shared/duration.ts';
import { JOB_OPTIONS, QUEUE_NAMES, retryDelayMs, WORKER_SETTINGS } from '../../../src/shared/queues/index.ts';

describe('delay before another attempt', () => {
  function sample(attemptsMade: number): readonly number[] {
    return Array.from({ length: 200 }, () => retryDelayMs(attemptsMade));
  }

  for (const [attemptsMade, full] of [
    [1, 500],
    [2, 1_000],
    [5, 8_000],
    [6, 16_000],
    [7, 30 * SECOND],
    [150, 30 * SECOND],
    [5_000, 30 * SECOND],
  ] as const) {
    it(`is between half of ${full} ms and all of it after ${attemptsMade} attempts`, () => {
      const delays = sample(attemptsMade);
      expect(Math.min(...delays)).to.be.at.least(full / 2);
      expect(Math.max(...delays)).to.be.at.most(full);
      expect(delays.every(Number.isInteger)).to.equal(true);
      expect(new Set(delays).size, 'spread').to.be.above(50);
    });
  }

  it('is what workers use', () => {
    const delay = WORKER_SETTINGS.backoffStrategy?.(1, 'capped-exponential', undefined, undefined as never);
    expect(delay).to.be.within(250, 500);
  });

  it('waits out a long outage: attempts span hours, even at the shortest delays', () => {
    for (const queue of ['stripe-events', 'notifications'] as const) {
      const attempts = JOB_OPTIONS[queue].attempts ?? 1;
      let shortest = 0;
      for (let made = 1; made < attempts; made += 1) {
        shortest += Math.min(500 * 2 ** (made - 1), 30 * SECOND) / 2;
      }
      expect(shortest, queue).to.be.above(DAY / 3);
    }
  });

  it('is set for every queue', () => {
    for (const queue of QUEUE_NAMES) {
      expect(JOB_OPTIONS[queue].backoff, queue).to.deep.equal({ type: 'capped-exponential' });
    }
  });
});
