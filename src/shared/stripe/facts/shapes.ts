import { z } from 'zod';
import { PermanentError } from '../../errors.ts';
import { storableValue } from '../../storable.ts';
import { fromUnixSeconds } from '../../unix-time.ts';

/**
 * The building blocks of readers that accept every API version from 2020-03-02 on. They are typed over loose shapes
 * of our own, because the SDK's types describe only the newest version. A field is looked for in its newest place
 * first, then where it used to be; `api_version` decides nothing, since additive fields appear in every version.
 * What no reader names is left out, not copied: payloads are large and every event is read.
 */

/** An expandable reference: an id, the object itself, or nothing. */
export const reference = z
  .union([z.string(), z.object({ id: z.string() })])
  .nullish()
  .transform((value) => (typeof value === 'string' ? value : (value?.id ?? null)));

/** Minor units. Beyond 2^53 a number in JSON is no longer the one that was written: such an amount is refused. */
export const amount = z.int('is no amount that can be counted exactly (whole, below 2^53)');

/** A Unix time in seconds that may be absent. */
export const moment = z
  .number()
  .nullish()
  .transform((seconds) => (seconds == null ? null : fromUnixSeconds(seconds)));

/** A Unix time in seconds that is always there. */
export const requiredMoment = z.number().transform(fromUnixSeconds);

export const metadata = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

export const livemode = z.boolean();

/** A Stripe list as it is embedded in objects. */
export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ data: z.array(item), has_more: z.boolean().nullish() });

/**
 * Reads an object's facts, or says loudly why it cannot be read. Facts reach rows and messages: what PostgreSQL cannot
 * keep of their texts is spelled out, also where an object came from Stripe's API.
 * @throws {PermanentError} when the payload has a shape that no known API version has; the event keeps its payload
 */
export function readShape<T extends z.ZodType>(shape: T, kind: string, object: unknown): z.output<T> {
  const result = shape.safeParse(object);
  if (result.success) return storableValue(result.data);
  const id = z.object({ id: z.string() }).safeParse(object).data?.id ?? 'without id';
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`);
  throw new PermanentError(
    `Cannot read ${kind} ${id}: unknown shape (${problems.slice(0, 5).join('; ')}). ` +
      'Teach src/shared/stripe/facts this shape, then retry the event.',
  );
}
