/** The rows that a set of facts may touch, by the ids Stripe and we know them under. */
export type Keys = {
  customers: Set<string>;
  subscriptions: Set<string>;
  invoices: Set<string>;
  intents: Set<string>;
  charges: Set<string>;
  sessions: Set<string>;
  users: Set<number>;
  /** Lower case. */
  emails: Set<string>;
};

/** What one event's facts name; absent and null entries are left out. */
export type Touches = {
  customer?: string | null;
  subscription?: string | null;
  invoices?: (string | null)[];
  intent?: string | null;
  /** Further intents: an invoice may have several. */
  intents?: string[];
  charge?: string | null;
  session?: string | null;
  user?: number | null;
  email?: string | null;
};

/** Joins what several events name. */
export function keysOf(touches: readonly Touches[]): Keys {
  const keys: Keys = {
    customers: new Set(),
    subscriptions: new Set(),
    invoices: new Set(),
    intents: new Set(),
    charges: new Set(),
    sessions: new Set(),
    users: new Set(),
    emails: new Set(),
  };
  for (const touch of touches) {
    if (touch.customer) keys.customers.add(touch.customer);
    if (touch.subscription) keys.subscriptions.add(touch.subscription);
    for (const invoice of touch.invoices ?? []) if (invoice) keys.invoices.add(invoice);
    if (touch.intent) keys.intents.add(touch.intent);
    for (const intent of touch.intents ?? []) keys.intents.add(intent);
    if (touch.charge) keys.charges.add(touch.charge);
    if (touch.session) keys.sessions.add(touch.session);
    if (touch.user) keys.users.add(touch.user);
    if (touch.email) keys.emails.add(touch.email.toLowerCase());
  }
  return keys;
}

/**
 * What to lock before reading anything. Two events that may touch one row share a key: a customer's events its id,
 * an invoice payment (which names no customer) its invoice and intent.
 */
export function lockNames(keys: Keys, eventIds: readonly string[]): string[] {
  return [
    ...eventIds,
    ...keys.customers,
    ...keys.subscriptions,
    ...keys.invoices,
    ...keys.intents,
    ...keys.charges,
    ...keys.sessions,
  ];
}

/**
 * The intent id of the payment of an invoice whose intent is not known; the old service wrote the same, and the survey's
 * function in the database looks for it.
 */
export function provisionalIntentId(invoiceId: string): string {
  return `invoice_${invoiceId}`;
}
