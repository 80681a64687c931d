import { context, diag, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { BullMQOtel } from 'bullmq-otel';
import { withDeadline } from '../deadline.ts';
import { SECOND } from '../duration.ts';
import type { Logger } from '../logger.ts';
import { AsyncContextManager } from './context-manager.ts';
import { createSampler } from './sampler.ts';
import { traceParent } from './trace-parent.ts';
import type { OpenSpan, SpanOptions, TracePlace, Tracing } from './tracing.ts';

const TRACER = 'paiements-service';
/** A collector that is away must not keep a process from stopping. */
const FLUSH_WITHIN_MS = 3 * SECOND;

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const;

/** A span of ours, and the context in which it is the open one. */
type Entered = OpenSpan & { readonly inside: ReturnType<typeof context.active> };

/** Sets OpenTelemetry up for this process: spans leave in batches, over OTLP/HTTP. */
export function openTelemetry(options: {
  endpoint: string;
  serviceName: string;
  sampledShare: number;
  logger: Logger;
}): Tracing {
  const { logger } = options;
  diag.setLogger({
    error: (message) => logger.warn({ component: 'tracing' }, message),
    warn: (message) => logger.debug({ component: 'tracing' }, message),
    info: () => undefined,
    debug: () => undefined,
    verbose: () => undefined,
  });
  context.setGlobalContextManager(new AsyncContextManager());
  propagation.setGlobalPropagator(traceParent);
  const exporter = new OTLPTraceExporter({ url: `${options.endpoint}/v1/traces` });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': options.serviceName }),
    sampler: createSampler(options.sampledShare),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  trace.setGlobalTracerProvider(provider);

  return {
    telemetry: new BullMQOtel({ tracerName: TRACER }),
    begin,
    within: (span, work) => context.with((span as Entered).inside, work),
    here,
    close: async () => {
      await withDeadline(provider.shutdown(), FLUSH_WITHIN_MS, 'Sending the last spans');
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

function begin(name: string, { kind = 'internal', parent, attributes = {} }: SpanOptions): Entered {
  const outside = parent === undefined ? context.active() : contextAt(parent);
  const span = trace.getTracer(TRACER).startSpan(name, { kind: KINDS[kind], attributes }, outside);
  const inside = trace.setSpan(outside, span);
  return {
    inside,
    get place() {
      return placeOf(inside);
    },
    rename: (better) => void span.updateName(better),
    set: (more) => void span.setAttributes(more),
    end: (error) => {
      if (error) {
        // The message only: a stack is in the log, under the same correlation id.
        span.setStatus({ code: SpanStatusCode.ERROR, message: error.message.slice(0, 200) });
      }
      span.end();
    },
  };
}

function here(): TracePlace | undefined {
  return trace.getSpanContext(context.active()) === undefined ? undefined : placeOf(context.active());
}

function placeOf(somewhere: ReturnType<typeof context.active>): TracePlace {
  const carrier: Record<string, string> = {};
  propagation.inject(somewhere, carrier);
  return JSON.stringify(carrier);
}

function contextAt(place: TracePlace): ReturnType<typeof context.active> {
  return propagation.extract(context.active(), JSON.parse(place) as Record<string, string>);
}
