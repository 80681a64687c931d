import { z } from 'zod';

/** A whole number within bounds, with a default. */
export function wholeNumber(fallback: number, min: number, max: number): z.ZodType<number> {
  return wholeNumberWithin(min, max).default(fallback);
}

/** A whole number within bounds, for what is off unless it is set. */
export function optionalWholeNumber(min: number, max: number): z.ZodType<number | undefined> {
  return wholeNumberWithin(min, max).optional();
}

function wholeNumberWithin(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,10}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
}

/** `true`/`false` as people write them in an .env file. */
export function flag(fallback: boolean): z.ZodType<boolean> {
  return z
    .enum(['true', 'false', '1', '0'], 'must be true or false')
    .transform((value) => value === 'true' || value === '1')
    .default(fallback);
}

/** An absolute http(s) URL without a trailing slash. */
export function httpUrl(): z.ZodType<string> {
  return z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .transform((value) => value.replace(/(?<!\/)\/+$/, ''));
}

/**
 * Secrets that change without downtime: comma-separated, each of them accepted, the first one used where we send.
 * @param minLength of each, in characters
 */
export function rotatingSecret(minLength: number): z.ZodType<RotatingSecret> {
  const message = `must have at least ${minLength} characters`;
  return list()
    .refine((secrets) => secrets.length > 0 && secrets.every((secret) => secret.length >= minLength), message)
    .transform(([current = '', ...older]) => ({ current, accepted: [current, ...older] }));
}

export type RotatingSecret = { readonly current: string; readonly accepted: readonly string[] };

/** A comma-separated list without empty entries. */
export function list(): z.ZodType<string[]> {
  return z.string().transform((value) =>
    value
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  );
}
