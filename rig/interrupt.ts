/** npm and the terminal each pass on the same Ctrl-C; signals this close together, in milliseconds, are one. */
const SAME_KEYSTROKE_MS = 700;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Calls `stop` on the first Ctrl-C, SIGTERM or hang-up, or when the process that started this one is gone, and ends
 * with 128 + the signal's number. On a second Ctrl-C the process ends at once; the reaper cleans up behind it.
 */
export function onInterrupt(stop: (reason: string) => Promise<unknown>): void {
  let since: number | undefined;
  const interrupt = (reason: string, exitCode: number): void => {
    if (since !== undefined) {
      if (Date.now() - since > SAME_KEYSTROKE_MS) process.exit(exitCode);
      return;
    }
    since = Date.now();
    void stop(reason).then(
      () => process.exit(exitCode),
      () => process.exit(1),
    );
  };
  const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
  for (const signal of SIGNALS) process.on(signal, () => interrupt(signal, 128 + numbers[signal]));
  onLostParent(() => interrupt('the process that started this one is gone', 1));
}

/**
 * Calls `react` when the process that started this one ends, even by SIGKILL: the channel that scripts/bootstrap.mjs
 * opens closes then. Without such a channel nothing happens.
 */
export function onLostParent(react: () => void): void {
  if (!process.channel) return;
  process.on('disconnect', react);
  process.channel.unref();
}
