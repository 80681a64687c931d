import { SECOND } from '../shared/duration.ts';
import { ConfigError } from '../shared/errors.ts';
import { createLogger } from '../shared/logger.ts';
import { exitOnSignal, ShutdownStack } from '../shared/shutdown.ts';
import { readGatewayConfig } from './config.ts';
import { createGateway } from './gateway.ts';

try {
  const config = readGatewayConfig(process.env);
  const logger = createLogger('gateway', config.logging.level);
  const gateway = createGateway({ config, logger });
  const stack = new ShutdownStack(logger);
  stack.push('gateway', () => gateway.close());
  exitOnSignal(stack, logger, 20 * SECOND);
  const port = await gateway.listen();
  logger.info({ port }, `The gateway listens on ${config.listening.host}:${port}`);
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
}
