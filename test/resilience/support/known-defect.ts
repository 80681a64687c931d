import { skipBecause } from '../../../rig/skip.ts';

/** `KNOWN_DEFECTS=1` runs the tests that are known to fail, to see whether they still do. */
const RUN_THEM = (process.env.KNOWN_DEFECTS ?? '') !== '';

/** Skips a test of something that is known to be wrong, until it is put right. */
export function unlessKnown(context: Mocha.Context, defect: string | undefined): void {
  if (defect !== undefined && !RUN_THEM) skipBecause(context, `known defect: ${defect}`);
}
