import { ApiError } from './errors.ts';

interface Paging {
  limit?: number | undefined;
  starting_after?: string | undefined;
  ending_before?: string | undefined;
}

export interface List<T> {
  object: 'list';
  url: string;
  has_more: boolean;
  data: T[];
}

/** A page of rows that come newest first, as Stripe pages: at most 100, 10 unless told. */
export function pageOf<T extends { id: string }>(url: string, newest: Iterable<T>, paging: Paging): List<T> {
  const limit = paging.limit ?? 10;
  if (limit < 1 || limit > 100) {
    throw ApiError.invalid(
      `This value must be between 1 and 100 (it currently is '${limit}').`,
      'limit',
      'parameter_invalid_integer',
    );
  }
  if (paging.ending_before) return pageBefore(url, newest, paging.ending_before, limit);
  const data: T[] = [];
  let seen = !paging.starting_after;
  for (const row of newest) {
    if (!seen) {
      seen = row.id === paging.starting_after;
      continue;
    }
    if (data.length === limit) return { object: 'list', url, has_more: true, data };
    data.push(row);
  }
  if (!seen) throw noSuchCursor('starting_after', paging.starting_after ?? '');
  return { object: 'list', url, has_more: false, data };
}

/** How many rows Stripe embeds of a list. */
const EMBEDDED = 10;

/** For `JSON.stringify`: what is embedded in an object ends after ten rows, and says that there are more. */
export function embedded(key: string, value: unknown): unknown {
  if (key === '' || !isList(value) || value.data.length <= EMBEDDED) return value;
  return { ...value, has_more: true, data: value.data.slice(0, EMBEDDED) };
}

function isList(value: unknown): value is List<unknown> {
  return typeof value === 'object' && value !== null && (value as { object?: unknown }).object === 'list';
}

/** A whole small list, as objects hold them; see {@link embedded} for how they travel. */
export function listOf<T>(url: string, data: T[]): List<T> {
  return { object: 'list', url, has_more: false, data };
}

function pageBefore<T extends { id: string }>(
  url: string,
  newest: Iterable<T>,
  before: string,
  limit: number,
): List<T> {
  const newer: T[] = [];
  for (const row of newest) {
    if (row.id === before) {
      const data = newer.slice(-limit);
      return { object: 'list', url, has_more: newer.length > data.length, data };
    }
    newer.push(row);
  }
  throw noSuchCursor('ending_before', before);
}

function noSuchCursor(param: string, id: string): ApiError {
  return ApiError.noSuch('object', id, param, 400);
}

/** Only the rows that pass; the rest is not looked at before it is needed. */
export function* where<T>(rows: Iterable<T>, test: (row: T) => boolean): Generator<T> {
  for (const row of rows) if (test(row)) yield row;
}
