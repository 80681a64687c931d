import { Registry } from 'prom-client';
import type { MonitoringParts } from '../monitoring.ts';
import type { Page } from '../monitoring-server.ts';
import { addLedgerGauges } from './ledger-gauges.ts';
import { addPoolGauges } from './pool-gauges.ts';
import { addProcessGauges } from './process-gauges.ts';
import { addQueueGauges } from './queue-gauges.ts';
import { registry } from './registry.ts';

/** Everything a scrape gets: what was counted so far, and what is read now. */
export function collectMetrics({
  process,
  orm,
  redis,
  queuePrefix,
  logger,
}: Pick<MonitoringParts, 'process' | 'orm' | 'redis' | 'queuePrefix' | 'logger'>): {
  page: Page;
  close(): Promise<void>;
} {
  const readings = new Registry();
  addProcessGauges(readings, process);
  addPoolGauges(readings, orm, logger);
  addLedgerGauges(readings, orm, logger);
  const queues = addQueueGauges(readings, { redis, prefix: queuePrefix, logger });
  const page: Page = async () => ({
    status: 200,
    contentType: readings.contentType,
    body: [await registry.metrics(), await readings.metrics()].join('\n'),
  });
  return {
    page,
    close: async () => {
      readings.clear();
      await queues.close();
    },
  };
}
