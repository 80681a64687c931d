import { expect } from 'chai';
import { GroupCommit } from '../../src/workers/group-commit.ts';

type Run = {
  items: readonly number[];
  finish: (results: readonly string[]) => void;
  fail: (why: unknown) => void;
};

/** A group commit whose runs end when the test says so. */
function controlled(maxSize: number, maxInFlight: number) {
  const runs: Run[] = [];
  let waiting: { count: number; resolve: () => void } | undefined;
  const group = new GroupCommit<number, string>({
    maxSize,
    maxInFlight,
    run: (items) =>
      new Promise((resolve, reject) => {
        runs.push({ items, finish: resolve, fail: reject });
        if (waiting && runs.length >= waiting.count) waiting.resolve();
      }),
  });
  return {
    group,
    runs,
    /** Resolves once so many runs have begun. */
    begun(count: number): Promise<void> {
      if (runs.length >= count) return Promise.resolve();
      return new Promise((resolve) => {
        waiting = { count, resolve };
      });
    },
  };
}

function words(run: Run | undefined): readonly string[] {
  return (run?.items ?? []).map((item) => `done ${item}`);
}

describe('group commit', () => {
  it('runs a lone item at once', async () => {
    const { group, runs, begun } = controlled(10, 1);
    const one = group.submit(1);
    await begun(1);
    expect(runs.map((run) => run.items)).to.deep.equal([[1]]);
    runs[0]?.finish(words(runs[0]));
    expect(await one).to.equal('done 1');
  });

  it('takes the items of one moment together, and what arrives meanwhile in the next run', async () => {
    const { group, runs, begun } = controlled(10, 1);
    const first = [1, 2, 3].map((item) => group.submit(item));
    await begun(1);
    const second = [4, 5].map((item) => group.submit(item));
    await new Promise(setImmediate);
    expect(runs.map((run) => run.items)).to.deep.equal([[1, 2, 3]]);
    runs[0]?.finish(words(runs[0]));
    expect(await Promise.all(first)).to.deep.equal(['done 1', 'done 2', 'done 3']);
    await begun(2);
    expect(runs[1]?.items).to.deep.equal([4, 5]);
    runs[1]?.finish(words(runs[1]));
    expect(await Promise.all(second)).to.deep.equal(['done 4', 'done 5']);
  });

  it('never takes more than maxSize, in the order of arrival', async () => {
    const { group, runs, begun } = controlled(2, 1);
    const all = [1, 2, 3, 4, 5].map((item) => group.submit(item));
    for (let count = 1; count <= 3; count += 1) {
      await begun(count);
      const run = runs[count - 1];
      run?.finish(words(run));
    }
    expect(await Promise.all(all)).to.deep.equal(['done 1', 'done 2', 'done 3', 'done 4', 'done 5']);
    expect(runs.map((run) => run.items)).to.deep.equal([[1, 2], [3, 4], [5]]);
  });

  it('has up to maxInFlight runs under way, which may end in any order', async () => {
    const { group, runs, begun } = controlled(1, 2);
    const all = [1, 2, 3].map((item) => group.submit(item));
    await begun(2);
    await new Promise(setImmediate);
    expect(runs).to.have.lengthOf(2);
    runs[1]?.finish(words(runs[1]));
    expect(await all[1]).to.equal('done 2');
    await begun(3);
    runs[2]?.finish(words(runs[2]));
    runs[0]?.finish(words(runs[0]));
    expect(await Promise.all(all)).to.deep.equal(['done 1', 'done 2', 'done 3']);
  });

  it('lets a failed run fail its own items only', async () => {
    const { group, runs, begun } = controlled(2, 1);
    const all = [1, 2, 3].map((item) => group.submit(item));
    const outcomes = Promise.allSettled(all);
    await begun(1);
    runs[0]?.fail('deadlock');
    await begun(2);
    runs[1]?.finish(words(runs[1]));
    const [one, two, three] = await outcomes;
    for (const outcome of [one, two]) {
      expect(outcome?.status === 'rejected' && outcome.reason)
        .to.be.instanceOf(Error)
        .with.property('message', 'deadlock');
    }
    expect(three).to.deep.equal({ status: 'fulfilled', value: 'done 3' });
  });

  it('survives a run that throws before it promises anything', async () => {
    let throws = true;
    const group = new GroupCommit<number, string>({
      maxSize: 1,
      maxInFlight: 1,
      run: (items) => {
        if (throws) throw new Error('at once');
        return Promise.resolve(items.map(String));
      },
    });
    const failure = await group.submit(1).catch((error: Error) => error.message);
    expect(failure).to.equal('at once');
    throws = false;
    expect(await group.submit(2)).to.equal('2');
  });
});
