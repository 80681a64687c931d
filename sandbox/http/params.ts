import { z } from 'zod';
import { ApiError } from './errors.ts';
import type { FormHash } from './form.ts';

/** Parameter types: what a form can carry, checked and turned into values. */
export const text = z.string().max(5000);
export const whole = z
  .string()
  .regex(/^-?\d{1,15}$/, 'Invalid integer')
  .transform(Number);
export const decimal = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,12})?$/, 'Invalid decimal')
  .transform(Number);
export const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
export const metadata = z.union([
  z.literal('').transform((): null => null),
  z.record(z.string().max(40), z.string().max(500)),
]);
/** A parameter that this sandbox accepts and does nothing with. */
export const ignored = z.unknown();
export const currency = z
  .string()
  .regex(/^[a-zA-Z]{3}$/, 'Invalid currency')
  .transform((code) => code.toLowerCase());

/** A parameter that `''` unsets. */
export function unsettable<T extends z.ZodType>(type: T) {
  return z.union([z.literal('').transform((): null => null), type]);
}

/** A time, or bounds of one, in Unix seconds. */
export const times = z.union([
  whole,
  z.strictObject({
    gt: whole.optional(),
    gte: whole.optional(),
    lt: whole.optional(),
    lte: whole.optional(),
  }),
]);
export type Times = z.output<typeof times>;

export function isWithin(time: number, bounds: Times | undefined): boolean {
  if (bounds === undefined) return true;
  if (typeof bounds === 'number') return time === bounds;
  return (
    (bounds.gt === undefined || time > bounds.gt) &&
    (bounds.gte === undefined || time >= bounds.gte) &&
    (bounds.lt === undefined || time < bounds.lt) &&
    (bounds.lte === undefined || time <= bounds.lte)
  );
}

/** What every list takes. */
export const paging = {
  limit: whole.optional(),
  starting_after: text.optional(),
  ending_before: text.optional(),
};

export const address = z.strictObject({
  city: text.optional(),
  country: text.optional(),
  line1: text.optional(),
  line2: text.optional(),
  postal_code: text.optional(),
  state: text.optional(),
});

/** Checks parameters and complains in Stripe's words about the first wrong one. */
export function readParams<S extends z.ZodType>(schema: S, form: FormHash): z.output<S> {
  const result = schema.safeParse(form);
  if (result.success) return result.data;
  const issue = deepest(result.error.issues);
  const param = paramName(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const unknown = paramName([...issue.path, issue.keys[0] ?? '']);
    throw ApiError.invalid(`Received unknown parameter: ${unknown}`, unknown, 'parameter_unknown');
  }
  if (issue.code === 'invalid_type' && issue.input === undefined && !hasValue(form, issue.path)) {
    throw ApiError.invalid(`Missing required param: ${param}.`, param, 'parameter_missing');
  }
  throw ApiError.invalid(`Invalid ${param}: ${issue.message}`, param, 'parameter_invalid');
}

type Issue = z.core.$ZodIssue;

// A union reports every alternative; the one that got furthest is the one the caller meant.
function deepest(issues: Issue[]): Issue {
  const [first] = issues;
  if (!first) throw new Error('a failed parse names no issue');
  if (first.code !== 'invalid_union') return first;
  const inner = first.errors
    .filter((list) => list.length > 0)
    .map((list) => deepest(list))
    .sort((a, b) => rank(b) - rank(a))[0];
  return inner ? { ...inner, path: [...first.path, ...inner.path] } : first;
}

function rank(issue: Issue): number {
  return issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0);
}

function paramName(path: PropertyKey[]): string {
  const [head, ...rest] = path.map(String);
  return (head ?? '') + rest.map((part) => `[${part}]`).join('');
}

function hasValue(form: FormHash, path: PropertyKey[]): boolean {
  let at: unknown = form;
  for (const part of path) at = (at as Record<PropertyKey, unknown> | undefined)?.[part];
  return at !== undefined;
}
