import type { Recorded } from './recording-server.ts';

/** A span as a collector gets it. */
export type Span = {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  attributes: Record<string, string>;
};

type Attribute = { key: string; value: Record<string, unknown> };
type Export = {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: {
      spans: {
        name: string;
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        attributes: Attribute[];
      }[];
    }[];
  }[];
};

/** The spans in what was sent to a collector (OTLP as JSON). */
export function spansIn(requests: readonly Recorded[]): Span[] {
  return requests
    .filter(({ path }) => path === '/v1/traces')
    .flatMap(({ body }) => (JSON.parse(body) as Export).resourceSpans)
    .flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) =>
        spans.map(({ name, traceId, spanId, parentSpanId, attributes }) => ({
          service: wordsOf(resource.attributes)['service.name'] ?? '',
          name,
          traceId,
          spanId,
          parentSpanId: parentSpanId || undefined,
          attributes: wordsOf(attributes),
        })),
      ),
    );
}

/** From a span up to where its trace begins. */
export function ancestry(span: Span, spans: readonly Span[]): Span[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  return parent === undefined ? [span] : [span, ...ancestry(parent, spans)];
}

function wordsOf(attributes: readonly Attribute[]): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]));
}
