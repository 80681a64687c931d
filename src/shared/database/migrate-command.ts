import { database, logging, readConfig } from '../config/index.ts';
import { startProcess } from '../start-process.ts';
import { migrate } from './migrate.ts';
import { openDatabase } from './orm.ts';

await startProcess(
  'migrate',
  (environment) => readConfig({ logging, database }, environment),
  async ({ config, logger, stack }) => {
    const orm = await openDatabase(config.database, logger);
    stack.push('database', () => orm.close());
    try {
      await migrate(orm, logger);
    } finally {
      await stack.close();
    }
  },
);
