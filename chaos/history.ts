import type { RecordedEvent } from './recorder.ts';

type Named = { created: number; data: { object: Record<string, unknown> } };

/** The events that tell of the first object a violation names, for people who look into it. */
export function historyOf(violation: string, events: readonly RecordedEvent[]): string[] {
  const id = /\b(?:sub|pi|in|cus)_\w{10,}/.exec(violation)?.[0];
  if (id === undefined) return [];
  return events
    .filter(({ body }) => body.includes(id))
    .map(({ id: event, type, body }) => {
      const { created, data } = JSON.parse(body) as Named;
      const { id: object, status, billing_reason: reason, latest_invoice: invoice } = data.object;
      const at = new Date(created * 1_000).toISOString();
      return `    ${at} ${type} ${object} ${status ?? ''} ${reason ?? ''} ${typeof invoice === 'string' ? invoice : ''} (${event})`;
    });
}
