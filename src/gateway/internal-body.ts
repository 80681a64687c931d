import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { HttpError } from '../shared/errors.ts';
import { readBody } from '../shared/http/read-body.ts';
import type { Address } from './hub.ts';

/**
 * Reads a JSON body.
 * @throws {HttpError} 413 above `limitBytes`, 400 when it is not JSON, and as {@link readBody}
 */
export async function readJson(request: IncomingMessage, limitBytes: number): Promise<unknown> {
  const bytes = await readBody(request, { maxBytes: limitBytes });
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw HttpError.badRequest('invalid_json', 'The body is not valid JSON');
  }
}

const userId = z
  .union([z.string(), z.int()])
  .transform(String)
  .refine((text) => /^[1-9]\d{0,18}$/.test(text), 'must be a positive integer');

/** Names of channels: what a subscribe frame and a broadcast may say. */
export const channelName = z
  .string()
  .regex(/^[\w.:-]{1,100}$/, 'must be 1 to 100 letters, digits or any of . _ : -');

/**
 * `{type, user_id? | channel?, data?}`. A `user_id` that is there but empty or null is refused rather than taken for
 * "everybody": one bug in a caller must not show one user's message to all.
 */
const broadcast = z
  .looseObject({
    type: z.string().min(1).max(100),
    user_id: userId.optional(),
    channel: channelName.optional(),
  })
  .refine((body) => body.user_id === undefined || body.channel === undefined, {
    message: 'give user_id or channel, not both',
  });

/** Whom a broadcast is for, and the frame their browsers get: the posted JSON. */
export type Broadcast = { address: Address; frame: string };

/** @throws {HttpError} 400 naming what is wrong */
export function parseBroadcast(body: unknown): Broadcast {
  const { user_id, channel } = parse(broadcast, body);
  return { address: addressOf(user_id, channel), frame: JSON.stringify(body) };
}

function addressOf(userId: string | undefined, channel: string | undefined): Address {
  if (userId !== undefined) return { kind: 'user', userId };
  return channel === undefined ? { kind: 'everyone' } : { kind: 'channel', channel };
}

/** Reads `{user_ids: [...]}`. @throws {HttpError} 400 */
export function parseUserIds(body: unknown, max: number): string[] {
  return parse(z.object({ user_ids: z.array(userId).max(max) }), body).user_ids;
}

/** Reads one user id from a path. @throws {HttpError} 400 */
export function parseUserId(text: unknown): string {
  return parse(z.object({ user_id: userId }), { user_id: text }).user_id;
}

function parse<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) =>
    issue.path.length > 0 ? `${issue.path.join('.')}: ${issue.message}` : issue.message,
  );
  throw HttpError.badRequest('invalid_body', `The request is not usable: ${problems.join('; ')}`);
}
