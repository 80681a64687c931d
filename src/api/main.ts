import { SECOND } from '../shared/duration.ts';
import { ConfigError } from '../shared/errors.ts';
import { createLogger } from '../shared/logger.ts';
import { exitOnSignal, ShutdownStack } from '../shared/shutdown.ts';
import { readWebConfig } from './config.ts';
import { createWeb } from './web.ts';

try {
  const config = readWebConfig(process.env);
  const logger = createLogger('web', config.logging.level);
  const stack = new ShutdownStack(logger);
  exitOnSignal(stack, logger, 20 * SECOND);
  const web = await createWeb({ config, logger, stack });
  const port = await web.listen();
  logger.info({ port }, `The payment service listens on ${config.listening.host}:${port}`);
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
}
