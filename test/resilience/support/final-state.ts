import type { MikroORM } from '@mikro-orm/postgresql';

type Row = Record<string, unknown>;

/** Everything that events have made of the database, apart from ids of ours and notes on when something was done. */
export type FinalState = {
  premium: Row[];
  subscriptions: Row[];
  payments: Row[];
  customers: Row[];
  links: Row[];
  /** Events that are not applied, each with its reason. */
  open: Row[];
};

/** Bookkeeping of ours, which no order of events can keep the same. All else has to be equal. */
const LEFT_OUT = {
  subscriptions: [
    'id',
    'created_at',
    'updated_at',
    'snapshot_at',
    'read_at',
    'activation_told_at',
    'end_told_at',
    'duplicate_of',
  ],
  payments: [
    'id',
    'subscription_id',
    'intent_snapshot_at',
    'invoice_snapshot_at',
    'refund_snapshot_at',
    'dispute_snapshot_at',
    'link_checked_at',
  ],
  customers: ['id', 'created_at'],
  invoice_payments: ['id', 'created_at'],
} as const;

/** Reads the rows, with references among them spelled in Stripe's ids. */
export async function finalState(orm: MikroORM): Promise<FinalState> {
  const em = orm.em.fork();
  const rows = async (sql: string, leftOut: readonly string[] = []): Promise<Row[]> => {
    const found = await em.execute<{ row: Row | string }[]>(sql);
    return found.map(({ row }) => {
      const parsed = typeof row === 'string' ? (JSON.parse(row) as Row) : row;
      return Object.fromEntries(
        Object.entries(parsed)
          .filter(([column]) => !leftOut.includes(column))
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      );
    });
  };
  return {
    premium: await rows(
      `select json_build_object('id', id, 'premium', premium) as row from users order by id`,
    ),
    subscriptions: await rows(
      `select to_jsonb(s) || jsonb_build_object('is_duplicate', duplicate_of is not null) as row
       from subscriptions s order by stripe_subscription_id`,
      LEFT_OUT.subscriptions,
    ),
    payments: await rows(
      `select to_jsonb(p) || jsonb_build_object('of_subscription', s.stripe_subscription_id) as row
       from payments p left join subscriptions s on s.id = p.subscription_id
       order by p.stripe_payment_intent_id`,
      LEFT_OUT.payments,
    ),
    customers: await rows(
      `select to_jsonb(c) as row from customers c order by stripe_customer_id`,
      LEFT_OUT.customers,
    ),
    links: await rows(
      `select to_jsonb(l) as row from invoice_payments l order by stripe_payment_intent_id`,
      LEFT_OUT.invoice_payments,
    ),
    open: await rows(
      `select json_build_object('id', stripe_event_id, 'type', event_type, 'waiting', waiting_for,
         'error', error_message) as row from webhook_events where not processed order by stripe_event_id`,
    ),
  };
}

/** What users were told, in the order in which it was written: every fact, and whether it has been delivered. */
export async function facts(orm: MikroORM): Promise<{ fact: string; delivered: boolean }[]> {
  return orm.em
    .fork()
    .execute<{ fact: string; delivered: boolean }[]>(
      'select fact, delivered_at is not null as delivered from outbox_messages order by id',
    );
}

/** Payments before their users, so that nothing is archived. */
const TABLES = [
  'payments',
  'subscriptions',
  'checkout_sessions',
  'customers',
  'invoice_payments',
  'webhook_events',
  'outbox_messages',
  'billing_ends',
  'disputes',
  'credit_notes',
  'attention_done',
  'users',
];

/** Empties every table. Ids go on: Redis still knows the jobs of the old ones. */
export async function emptyTables(orm: MikroORM): Promise<void> {
  // Deleting waits for nobody who only reads; `truncate` would.
  for (const table of TABLES) await orm.em.fork().execute(`delete from ${table}`);
}

/** Where two states differ, a line each; empty when nowhere. */
export function differences(expected: FinalState, found: FinalState): string[] {
  return differ(expected, found, '');
}

function differ(expected: unknown, found: unknown, path: string): string[] {
  if (JSON.stringify(expected) === JSON.stringify(found)) return [];
  if (!isObject(expected) || !isObject(found)) {
    return [`${path.slice(1)}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`];
  }
  const keys = new Set([...Object.keys(expected), ...Object.keys(found)]);
  return [...keys].flatMap((key) => differ(expected[key], found[key], `${path}.${key}`));
}

function isObject(value: unknown): value is Row {
  return typeof value === 'object' && value !== null;
}
