import type { Telemetry } from 'bullmq';
import type { tracing as tracingPart } from '../config/index.ts';
import type { Logger } from '../logger.ts';
import type { ShutdownStack } from '../shutdown.ts';

export type TracingConfig = ReturnType<typeof tracingPart.parse>;

/** A span's place in its trace, as BullMQ writes it into a job: `{"traceparent": "…"}`. */
export type TracePlace = string;

export type SpanOptions = {
  kind?: 'server' | 'client' | 'internal';
  /** Where it belongs; else to the span that is open where it begins. */
  parent?: TracePlace;
  attributes?: Readonly<Record<string, string | number | undefined>>;
};

/** A span that has begun. */
export type OpenSpan = {
  /** For what is caused by it in another process. */
  readonly place: TracePlace;
  /** Names it anew, for example once a route is known. */
  rename(name: string): void;
  set(attributes: Readonly<Record<string, string | number | undefined>>): void;
  /** @param error what it failed with, if it did */
  end(error?: Error): void;
};

/** What tracing can do once it is on. */
export type Tracing = {
  /** How BullMQ carries traces through its queues. */
  readonly telemetry: Telemetry;
  begin(name: string, options: SpanOptions): OpenSpan;
  /** Runs `work` with a span as the open one. */
  within<T>(span: OpenSpan, work: () => T): T;
  /** Where the open span is; undefined when none is. */
  here(): TracePlace | undefined;
  close(): Promise<void>;
};

/**
 * The process's tracing, undefined while it is off. Ambient, as OpenTelemetry's own is: spans are opened deep inside
 * of code that has nothing else to do with them.
 */
let current: Tracing | undefined;

/** Turns tracing on when an endpoint is configured; else nothing of OpenTelemetry is even loaded. */
export async function startTracing(
  config: TracingConfig,
  process: string,
  { logger, stack }: { logger: Logger; stack: ShutdownStack },
): Promise<void> {
  if (config.endpoint === undefined) return;
  const { openTelemetry } = await import('./open-telemetry.ts');
  const serviceName = config.serviceName ?? `paiements-${process}`;
  const tracing = openTelemetry({ ...config, endpoint: config.endpoint, serviceName, logger });
  current = tracing;
  stack.push('tracing', () => {
    current = undefined;
    return tracing.close();
  });
}

export function tracing(): Tracing | undefined {
  return current;
}

/** Where the open span is, for something that goes on elsewhere; undefined when there is none. */
export function tracePlace(): TracePlace | undefined {
  return current?.here();
}

/** `traceparent`, for a request to somebody else that belongs to the open span. */
export function traceHeaders(): Record<string, string> {
  const place = current?.here();
  return place === undefined ? {} : (JSON.parse(place) as Record<string, string>);
}

/** Runs `work` in a span of its own; without tracing it only runs it. */
export async function inSpan<T>(
  name: string,
  options: SpanOptions,
  work: (span: OpenSpan | undefined) => Promise<T>,
): Promise<T> {
  if (current === undefined) return work(undefined);
  const span = current.begin(name, options);
  return current.within(span, async () => {
    try {
      const result = await work(span);
      span.end();
      return result;
    } catch (thrown) {
      span.end(thrown instanceof Error ? thrown : new Error(String(thrown)));
      throw thrown;
    }
  });
}
