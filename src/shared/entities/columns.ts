import { p } from '@mikro-orm/core';

/**
 * A whole-number column that is `int` in a database made from SQL files and `bigint` in one made by GORM; it reads
 * as a number either way.
 */
export const wholeNumber = () => p.bigint('number');

/** A zone-less timestamp that holds UTC wall-clock time (MikroORM's `forceUtcTimezone` reads and writes it so). */
export const utcTimestamp = () => p.datetime().columnType('timestamp');
