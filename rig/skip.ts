import type { Context } from 'mocha';

const reasons = new WeakMap<object, string>();

/**
 * Skips the running test (or, from a `before` hook, everything in its suite) and says why: the reporter prints the
 * reason, and fails a run that skips without one.
 */
export function skipBecause(context: Context, reason: string): never {
  const { test } = context;
  if (test) {
    reasons.set(test, reason);
    const isHook = !test.parent?.tests.some((other) => other === test);
    if (isHook) test.parent?.eachTest((each) => void reasons.set(each, reason));
  }
  return context.skip();
}

/** @returns why a test was skipped, when it said so */
export function skipReason(test: object): string | undefined {
  return reasons.get(test);
}
