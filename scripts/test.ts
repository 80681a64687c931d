/**
 * Runs the tests, all of them or those named: `npm test`, `npm test -- test/shared`, `npm test -- --grep money`.
 * Every other argument is mocha's. The servers the tests need are started by `test/support/global-setup.ts` and
 * never outlive the run.
 */
import { statSync } from 'node:fs';
import { onLostParent } from '../rig/interrupt.ts';

const ALL = 'test/**/*.test.ts';

const words = process.argv.slice(2).map(specOf);
// The reaper (rig/reaper.ts) cleans up behind us.
onLostParent(() => process.exit(1));
process.argv = [
  ...process.argv.slice(0, 2),
  ...words,
  ...(words.some(isSpec) ? [] : [ALL]),
  ...(process.env.CI ? ['--forbid-only'] : []),
];

// @ts-expect-error Mocha's command has no types; importing it runs it on the arguments of this process.
await import('mocha/bin/mocha.js');

/** A directory stands for every test below it. */
function specOf(word: string): string {
  return statSync(word, { throwIfNoEntry: false })?.isDirectory()
    ? `${word.replace(/\/+$/, '')}/**/*.test.ts`
    : word;
}

function isSpec(word: string): boolean {
  return !word.startsWith('-') && word.endsWith('.test.ts');
}
