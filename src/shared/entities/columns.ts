import { BigIntType, p } from '@mikro-orm/core';

/**
 * A whole-number column that is `int` in a database made from SQL files and `bigint` in one made by GORM; it reads
 * as a number either way.
 */
export const wholeNumber = () => p.type(new WholeNumber('number')).$type<number>();

class WholeNumber extends BigIntType<'number'> {
  override convertToJSValue(value: unknown): number | null | undefined {
    return value == null ? (value as null | undefined) : exactNumber(value as string | number);
  }
}

/**
 * A whole number as the driver gives it, which is text for `bigint` and `numeric`.
 * @throws {RangeError} beyond 2^53, where it would silently become another number
 */
export function exactNumber(value: string | number): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is too large to be counted exactly`);
  return number;
}

/** A zone-less timestamp that holds UTC wall-clock time (MikroORM's `forceUtcTimezone` reads and writes it so). */
export const utcTimestamp = () => p.datetime().columnType('timestamp');
