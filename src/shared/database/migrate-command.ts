import { database, logging, readConfig } from '../config/index.ts';
import { createLogger } from '../logger.ts';
import { migrate } from './migrate.ts';
import { openDatabase } from './orm.ts';

const config = readConfig({ logging, database }, process.env);
const logger = createLogger('migrate', config.logging.level);
const orm = await openDatabase(config.database, logger);
try {
  await migrate(orm, logger);
} finally {
  await orm.close();
}
