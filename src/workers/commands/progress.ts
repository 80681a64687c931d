import { Presets, SingleBar } from 'cli-progress';

/** Shows how far a long run has come: a bar on a terminal, a plain line a step elsewhere. */
export type Progress = {
  /**
   * @param share how much is done, 0 to 1; null when that cannot be known
   * @param line what was found so far
   */
  step(share: number | null, line: string): void;
  end(): void;
};

/** @param isTerminal whether lines can be drawn over */
export function createProgress(isTerminal = process.stdout.isTTY === true): Progress {
  if (!isTerminal) return { step: (_share, line) => console.log(line), end: () => undefined };
  const bar = new SingleBar(
    { format: '{bar} {percentage}% | {line}', hideCursor: true, clearOnComplete: false },
    Presets.shades_classic,
  );
  bar.start(100, 0, { line: '' });
  return {
    step: (share, line) => bar.update(Math.round((share ?? 0) * 100), { line }),
    end: () => bar.stop(),
  };
}
