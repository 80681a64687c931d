import { startProcess } from '../shared/start-process.ts';
import { readGatewayConfig } from './config.ts';
import { createGateway } from './gateway.ts';

await startProcess('gateway', readGatewayConfig, async ({ config, logger, stack }) => {
  const gateway = createGateway({ config, logger });
  stack.push('gateway', () => gateway.close());
  const port = await gateway.listen();
  logger.info({ port }, `The gateway listens on ${config.listening.host}:${port}`);
});
