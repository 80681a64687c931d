import type { MikroORM } from '@mikro-orm/postgresql';
import type { Redis } from 'ioredis';
import type { monitoring as monitoringPart } from './config/index.ts';
import type { Logger } from './logger.ts';
import { type Page, serveMonitoring } from './monitoring-server.ts';
import type { ShutdownStack } from './shutdown.ts';

export type MonitoringConfig = ReturnType<typeof monitoringPart.parse>;

export type MonitoringParts = {
  config: MonitoringConfig;
  /** The kind of process, as `paiements_build_info` names it. */
  process: 'web' | 'worker';
  orm: MikroORM;
  /** Fails fast. */
  redis: Redis;
  queuePrefix: string;
  /** Pages beside `/metrics`, for a process that has no server of its own; also alone on `HEALTH_PORT`. */
  health?: Readonly<Record<string, Page>>;
  logger: Logger;
  stack: ShutdownStack;
};

/** Opens the ports for those who watch the process: none unless configured. */
export async function openMonitoring(parts: MonitoringParts): Promise<void> {
  const { config, health, logger, stack } = parts;
  const { host, metricsPort, healthPort } = config;
  const listen = async (what: string, pages: Readonly<Record<string, Page>>, wanted: number) => {
    const { port, close } = await serveMonitoring(pages, { host, port: wanted }, logger);
    stack.push(what, close);
    logger.info({ port }, `${what} on ${host}:${port}`);
  };
  if (metricsPort !== undefined) {
    // Only loaded when somebody will ask: it starts measuring the event loop.
    const { collectMetrics } = await import('./metrics/collect.ts');
    const metrics = collectMetrics(parts);
    stack.push('metrics', () => metrics.close());
    await listen('Metrics', { '/metrics': metrics.page, ...health }, metricsPort);
  }
  if (health && healthPort !== undefined && healthPort !== metricsPort) {
    await listen('Health', health, healthPort);
  }
}
