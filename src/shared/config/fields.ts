import { z } from 'zod';

/** A whole number within bounds, with a default. */
export function wholeNumber(fallback: number, min: number, max: number): z.ZodType<number> {
  return z
    .string()
    .regex(/^\d{1,10}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`)
    .default(fallback);
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
    .transform((value) => value.replace(/\/+$/, ''));
}

/** A comma-separated list without empty entries. */
export function list(): z.ZodType<string[]> {
  return z.string().transform((value) =>
    value
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  );
}
