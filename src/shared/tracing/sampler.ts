import { type Attributes, type Context, type Link, SpanKind, trace } from '@opentelemetry/api';
import {
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';

/**
 * Keeps a share of the traces that begin here and whatever belongs to a trace that is kept, and leaves out BullMQ's
 * housekeeping (taking jobs, renewing locks, looking for stalled jobs), which would be a trace every few seconds.
 */
export function createSampler(share: number): Sampler {
  const inner = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) });
  return {
    shouldSample(
      context: Context,
      traceId: string,
      name: string,
      kind: SpanKind,
      attributes: Attributes,
      links: Link[],
    ): SamplingResult {
      const orphan = kind === SpanKind.INTERNAL && trace.getSpanContext(context) === undefined;
      if (orphan || name.startsWith('getNextJob')) return { decision: SamplingDecision.NOT_RECORD };
      return inner.shouldSample(context, traceId, name, kind, attributes, links);
    },
    toString: () => `without housekeeping, then ${inner.toString()}`,
  };
}
