// A gateway process whose presence expires soon, so that a story about `kill -9` need not wait for half a minute.
import { createGateway, readGatewayConfig } from '../../../src/gateway/index.ts';
import { createLogger } from '../../../src/shared/logger.ts';

const logger = createLogger('gateway', 'info');
const gateway = createGateway({
  config: readGatewayConfig(process.env),
  logger,
  limits: { presenceHeartbeatMs: 200, presenceTtlMs: 1_000 },
});
logger.info({ port: await gateway.listen() }, 'The gateway listens');
