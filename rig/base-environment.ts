const KEPT = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'TZ', 'NODE_V8_COVERAGE'];

/**
 * The little of our own environment that child processes get. Everything else is left out on purpose: a developer's
 * exported `STRIPE_SECRET_KEY` or `DB_HOST` must never reach a private installation.
 */
export function baseEnvironment(): Record<string, string> {
  return Object.fromEntries(
    KEPT.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
