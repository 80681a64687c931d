import type { Context } from 'koa';
import { z } from 'zod';
import { HttpError } from '../shared/errors.ts';
import { readBody } from '../shared/http/read-body.ts';
import { storableJson } from '../shared/storable.ts';

const MAX_JSON_BYTES = 16 * 1_024;

/**
 * Reads a JSON body into the shape a route expects; unknown fields are ignored and no body at all is `{}`.
 * @throws {HttpError} 400, 413 or 415
 */
export async function readJson<S extends z.ZodType>(
  ctx: Pick<Context, 'req' | 'request'>,
  shape: S,
): Promise<z.output<S>> {
  const bytes = await readBody(ctx.req, { maxBytes: MAX_JSON_BYTES });
  if (bytes.length === 0) return parse(shape, {}, 'invalid_body');
  if (!ctx.request.is('application/json')) {
    throw new HttpError(415, 'unsupported_media_type', 'Send the body as Content-Type: application/json');
  }
  return parse(shape, parseJson(bytes), 'invalid_body');
}

function parseJson(bytes: Buffer): unknown {
  const text = bytes.toString('utf8');
  refuseUnstorable(text, 'invalid_body');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HttpError(400, 'invalid_json', 'The body is not valid JSON', { cause: error });
  }
}

/**
 * Reads the query into the shape a route expects; a parameter given twice is refused.
 * @throws {HttpError} 400
 */
export function readQuery<S extends z.ZodType>(ctx: Pick<Context, 'query'>, shape: S): z.output<S> {
  refuseUnstorable(JSON.stringify(ctx.query), 'invalid_query');
  return parse(shape, { ...ctx.query }, 'invalid_query');
}

/** What a request says may end up in a statement, and PostgreSQL would refuse all of it. */
function refuseUnstorable(json: string, code: string): void {
  if (storableJson(json) === json) return;
  throw HttpError.badRequest(
    code,
    'Cannot use this request: a text in it has U+0000 or half a surrogate pair',
  );
}

function parse<S extends z.ZodType>(shape: S, value: unknown, code: string): z.output<S> {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) =>
    issue.path.length > 0 ? `${issue.path.join('.')} ${issue.message}` : issue.message,
  );
  throw HttpError.badRequest(code, `Cannot use this request: ${problems.join('; ')}`);
}

/** A whole number in plain decimal, within bounds. */
export function decimal(fallback: number, min: number, max: number): z.ZodType<number> {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string(message)
    .regex(/^\d{1,10}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message)
    .default(fallback);
}

/** Which part of a list is asked for. */
export function page(defaultLimit: number) {
  return { limit: decimal(defaultLimit, 1, 100), offset: decimal(0, 0, 2_147_483_647) };
}

/**
 * Reads a user id out of a path.
 * @throws {HttpError} 400
 */
export function parseUserId(text: string | undefined): number {
  if (text !== undefined && /^[1-9]\d{0,9}$/.test(text) && Number(text) <= 2_147_483_647) return Number(text);
  throw HttpError.badRequest('invalid_user_id', 'The user id must be a positive whole number');
}
