export { boundQuery } from './bound-query.ts';
export { migrate } from './migrate.ts';
export { type DatabaseConfig, openDatabase, ormOptions } from './orm.ts';
export { readTogether } from './read-together.ts';
