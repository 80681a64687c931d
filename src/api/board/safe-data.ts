import type { QueueName } from '../../shared/queues/index.ts';

/** Ids, types, times, plans: what an operator searches for. No spaces and no `@`, so neither text nor an address. */
const WORD = /^[\w.:+-]{1,255}$/;
const HIDDEN = '[hidden]';

/** What the board shows of a job's data, field by field. What is not listed does not leave the server. */
const SHOWN: Readonly<Record<QueueName, readonly string[]>> = {
  'stripe-events': ['eventId', 'correlationId'],
  notifications: ['outboxId', 'fact', 'type', 'userId', 'correlationId'],
  maintenance: ['task', 'stripeSubscriptionId', 'stripeCustomerId', 'userId'],
};

/** Of a notification's own data: neither the text nor the money, nor links that let anybody pay. */
const SHOWN_OF_NOTICE = [
  'plan_type',
  'end_date',
  'cancel_at_period_end',
  'invoice_id',
  'next_attempt',
  'days_left',
];

/** A job's data as the board may show it. */
export function safeData(queue: QueueName, data: unknown): Record<string, unknown> {
  const job = recordOf(data);
  const shown = pick(job, SHOWN[queue]);
  if (queue === 'stripe-events') return { ...shown, payload: payloadSummary(job.payload) };
  if (queue === 'notifications') return { ...shown, data: pick(recordOf(job.data), SHOWN_OF_NOTICE) };
  return shown;
}

/** What an event is about, not what it says: an invoice names its payer, a charge their card. */
function payloadSummary(payload: unknown): Record<string, unknown> {
  const event = recordOf(typeof payload === 'string' ? parse(payload) : undefined);
  const object = recordOf(recordOf(event.data).object);
  return {
    ...pick(event, ['id', 'type', 'created', 'livemode', 'api_version']),
    object_type: safeScalar(object.object),
    object_id: safeScalar(object.id),
  };
}

/** A report of ours (counts, ids, states), however nested; any free text in it is hidden. */
export function safeReport(value: unknown, depth = 4): unknown {
  if (Array.isArray(value)) {
    return depth === 0 ? HIDDEN : value.slice(0, 100).map((entry) => safeReport(entry, depth - 1));
  }
  if (typeof value === 'object' && value !== null) {
    if (depth === 0) return HIDDEN;
    const entries = Object.entries(value).filter(([name]) => WORD.test(name));
    return Object.fromEntries(entries.map(([name, entry]) => [name, safeReport(entry, depth - 1)]));
  }
  return safeScalar(value);
}

function pick(from: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.filter((name) => from[name] !== undefined).map((name) => [name, safeScalar(from[name])]),
  );
}

function safeScalar(value: unknown): unknown {
  if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'number') {
    return value;
  }
  return typeof value === 'string' && WORD.test(value) ? value : HIDDEN;
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
