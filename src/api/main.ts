import { startProcess } from '../shared/start-process.ts';
import { readWebConfig } from './config.ts';
import { createWeb } from './web.ts';

await startProcess('web', readWebConfig, async (parts) => {
  const web = await createWeb(parts);
  const port = await web.listen();
  parts.logger.info({ port }, `The payment service listens on ${parts.config.listening.host}:${port}`);
});
