import { z } from 'zod';
import { flag, httpUrl, optionalWholeNumber } from './fields.ts';

/** Ports for those who watch a process; each is off unless it is set. */
export const monitoring = z
  .object({
    METRICS_PORT: optionalWholeNumber(0, 65_535),
    METRICS_HOST: z.string().default('0.0.0.0'),
    HEALTH_PORT: optionalWholeNumber(0, 65_535),
  })
  .transform((env) => ({
    host: env.METRICS_HOST,
    metricsPort: env.METRICS_PORT,
    /** Only of processes that have no HTTP server of their own. */
    healthPort: env.HEALTH_PORT,
  }));

/** Where traces go, named as OpenTelemetry names it everywhere; off without an endpoint. */
export const tracing = z
  .object({
    OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl().optional(),
    OTEL_SERVICE_NAME: z.string().max(100).optional(),
    OTEL_TRACES_SAMPLER_ARG: z
      .string()
      .regex(/^(?:0|1|0?\.\d{1,6}|1\.0{1,6}|0\.0)$/, 'must be a share from 0 to 1')
      .transform(Number)
      .default(1),
  })
  .transform((env) => ({
    endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    serviceName: env.OTEL_SERVICE_NAME,
    /** Of the traces that begin here, from 0 to 1. */
    sampledShare: env.OTEL_TRACES_SAMPLER_ARG,
  }));

/** `REDIS_STRICT`: whether a Redis that could lose jobs keeps the process from starting. */
export const redisSafety = z
  .object({ REDIS_STRICT: flag(false) })
  .transform((env) => ({ strict: env.REDIS_STRICT }));
