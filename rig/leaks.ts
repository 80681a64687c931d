/** How long a finished run may take to end by itself, in milliseconds. */
const GRACE_MS = 5_000;

/**
 * Makes a run that is over but does not end fail: something a test opened is still open. Mocha's `--exit` would hide
 * exactly that. The timer itself keeps nothing alive, so a clean run never sees it.
 * @param graceMs how long the run may still take to end by itself, in milliseconds
 */
export function reportLeaks(graceMs: number = GRACE_MS): void {
  setTimeout(() => {
    const open = [...new Set(process.getActiveResourcesInfo())].join(', ');
    console.error(`\nThe tests are over, but something they opened is still open: ${open}`);
    // Mocha sets the exit code in a listener of its own, added before this one.
    process.once('exit', () => {
      process.exitCode = 1;
    });
    process.exit(1);
  }, graceMs).unref();
}
