import type { MikroORM, RequiredEntityData } from '@mikro-orm/postgresql';
import { LEDGER_TABLES, Rows, type Transaction, writeFunction } from '../../../shared/database/index.ts';
import {
  type CheckoutSession,
  type Customer,
  type Dispute,
  type InvoicePayment,
  type Payment,
  type Subscription,
  UNCONFIRMED_LINK,
  User,
} from '../../../shared/entities/index.ts';
import type { CreditNoteFacts, DisputeFacts } from '../../../shared/stripe/facts/index.ts';
import type { Announcement } from './announcement.ts';
import type { Keys } from './keys.ts';
import { disputesOf, keepCreditNote, keepDispute } from './reversals.ts';
import { survey } from './survey.ts';
import { writeLedger } from './write.ts';

/**
 * The rows that one unit of work may touch, read once and looked up in memory. Handlers change what they find here and
 * add to it; everything is written at the end.
 */
export class Ledger {
  readonly #orm: MikroORM;
  readonly #transaction: Transaction;
  readonly #writeFunction: string;
  /** Our key's mode. Rows of the other one stand beside ours and count for nothing. */
  readonly #livemode: boolean;
  /** Of the event at hand; what is announced now carries it on. */
  correlationId = '';
  readonly #tables: ReturnType<typeof tablesOf>;
  #processed: ReadonlySet<string> = new Set();
  readonly #customers = new Map<string, Customer>();
  readonly #users = new Map<number, User>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #payments = new Set<Payment>();
  /** Invoice by intent. */
  readonly #links = new Map<string, string>();
  readonly #sessions = new Map<string, CheckoutSession>();
  readonly #announcements = new Map<string, Announcement & { correlationId: string }>();
  /** User id → correlation id of the event that touched it last. */
  readonly #touchedUsers = new Map<number, string>();
  readonly #appeared = new Set<string>();
  readonly #endsToConfirm = new Set<number>();
  #isMuted = false;

  private constructor(orm: MikroORM, transaction: Transaction, livemode: boolean) {
    this.#orm = orm;
    this.#transaction = transaction;
    this.#livemode = livemode;
    this.#writeFunction = writeFunction(orm).name;
    this.#tables = tablesOf(orm);
  }

  /** Locks what the keys name, then reads it. Everything read here stays as it is until the transaction ends. */
  static async open(
    orm: MikroORM,
    transaction: Transaction,
    keys: Keys,
    eventIds: readonly string[],
    livemode: boolean,
  ): Promise<Ledger> {
    const ledger = new Ledger(orm, transaction, livemode);
    const { customers, sessions, users, subscriptions, payments } = ledger.#tables;
    const found = await survey(transaction, keys, eventIds);
    ledger.#processed = new Set(found.processed);
    for (const [invoiceId, intentId] of found.links ?? []) ledger.#links.set(intentId, invoiceId);
    for (const row of customers.take(found.customers)) ledger.#customers.set(row.stripeCustomerId, row);
    const others = found.preferred?.filter((row) => !ledger.#customers.has(String(row.stripe_customer_id)));
    for (const row of customers.take(others)) ledger.#customers.set(row.stripeCustomerId, row);
    for (const row of sessions.take(found.sessions)) ledger.#sessions.set(row.stripeSessionId, row);
    for (const row of users.take(found.users)) ledger.#users.set(row.id, row);
    for (const row of subscriptions.take(found.subscriptions))
      ledger.#subscriptions.set(row.stripeSubscriptionId, row);
    for (const row of payments.take(found.payments)) ledger.#payments.add(row);
    return ledger;
  }

  /** Sends all changes so far to the database; nobody has to wait for them before the commit. */
  write(): void {
    const tables = Object.values(this.#tables);
    writeLedger(
      this.#transaction,
      this.#writeFunction,
      tables.map((rows) => [rows.name, rows.changes()]),
      (table, ids) => tables.find((rows) => rows.name === table)?.identify(ids),
    );
  }

  /** Resolves when all changes so far are written and new rows have their ids. */
  flush(): Promise<void> {
    this.write();
    return this.#transaction.settled();
  }

  /** Whether a Stripe event was applied, or ignored for good, before this unit of work. */
  isProcessed(eventId: string): boolean {
    return this.#processed.has(eventId);
  }

  customer(id: string | null): Customer | undefined {
    return id === null ? undefined : this.#customers.get(id);
  }

  addCustomer(values: RequiredEntityData<Customer>): void {
    const row = this.#tables.customers.create(values);
    this.#customers.set(row.stripeCustomerId, row);
  }

  /** The user's customer that new checkouts of this mode use, among those read. */
  preferredCustomerOf(userId: number): Customer | undefined {
    return [...this.#customers.values()].find(
      (row) => row.userId === userId && row.preferred && row.deletedAt == null && this.#isOurMode(row),
    );
  }

  user(id: number | null | undefined): User | undefined {
    return id == null ? undefined : this.#users.get(id);
  }

  /** The user whose verified address this is. */
  userByVerifiedEmail(email: string | null): User | undefined {
    if (email === null) return undefined;
    const wanted = email.toLowerCase();
    return [...this.#users.values()].find(
      (user) => user.emailVerified && user.email?.toLowerCase() === wanted,
    );
  }

  subscription(id: string | null): Subscription | undefined {
    return id === null ? undefined : this.#subscriptions.get(id);
  }

  /** A text that is another one whenever one of the row's columns is, before and after it is written. */
  versionOf(row: Subscription | Payment): string {
    const { subscriptions, payments } = this.#tables;
    return isPayment(row) ? payments.versionOf(row) : subscriptions.versionOf(row);
  }

  /** A user's subscriptions in our mode, and those whose mode nobody noted. */
  subscriptionsOf(userId: number): Subscription[] {
    return [...this.#subscriptions.values()].filter((row) => row.userId === userId && this.#isOurMode(row));
  }

  /** A user's subscriptions in the other mode. */
  subscriptionsElsewhere(userId: number): Subscription[] {
    return [...this.#subscriptions.values()].filter((row) => row.userId === userId && !this.#isOurMode(row));
  }

  /** Which of these customers only a typed address ties to their user. */
  async unconfirmed(customerIds: readonly string[]): Promise<ReadonlySet<string>> {
    if (customerIds.length === 0) return new Set();
    await this.flush();
    const rows = await this.#transaction.ask<{ id: string }>(
      'select stripe_customer_id as id from customers where stripe_customer_id = any($1) and linked_by = $2',
      [customerIds, UNCONFIRMED_LINK],
    );
    return new Set(rows.map(({ id }) => id));
  }

  addSubscription(values: RequiredEntityData<Subscription>): Subscription {
    const row = this.#tables.subscriptions.create(values);
    this.#subscriptions.set(row.stripeSubscriptionId, row);
    return row;
  }

  payments(): Iterable<Payment> {
    return this.#payments;
  }

  /** Whether an invoice is on the books, and so one of ours: not only an intent that pays it. */
  isBooked(invoiceId: string): boolean {
    return [...this.#payments].some((row) => row.stripeInvoiceId === invoiceId && !row.awaitingInvoice);
  }

  /** Whether anything stands for an invoice, be it only an intent that pays it and may be another shop's. */
  hasPaymentOfInvoice(invoiceId: string): boolean {
    return [...this.#payments].some((row) => row.stripeInvoiceId === invoiceId);
  }

  addPayment(values: RequiredEntityData<Payment>): Payment {
    const row = this.#tables.payments.create(values);
    this.#payments.add(row);
    return row;
  }

  /** Takes a row out of the books, for example when it turns out to stand for the same payment as another. */
  removePayment(payment: Payment): void {
    this.#payments.delete(payment);
    this.#tables.payments.remove(payment);
  }

  invoiceOfIntent(intentId: string): string | null {
    return this.#links.get(intentId) ?? null;
  }

  /** The intents that are known to be for an invoice; it may be paid by several, and by others than those that failed. */
  intentsOfInvoice(invoiceId: string): string[] {
    return [...this.#links].filter(([, invoice]) => invoice === invoiceId).map(([intentId]) => intentId);
  }

  /** Writes down which invoice an intent pays. */
  link(invoiceId: string, intentId: string, now: Date): void {
    this.#tables.links.create({
      stripeInvoiceId: invoiceId,
      stripePaymentIntentId: intentId,
      createdAt: now,
    });
    this.#links.set(intentId, invoiceId);
  }

  /** Every dispute of a charge that is known so far. */
  disputesOf(chargeId: string): Promise<Dispute[]> {
    return disputesOf(this.#orm, this.#transaction, chargeId);
  }

  /** Writes down where a dispute stands; see {@link keepDispute}. */
  keepDispute(chargeId: string, facts: DisputeFacts, seenAt: Date): void {
    keepDispute(this.#transaction, chargeId, facts, seenAt);
  }

  /** Writes down a credit note. */
  keepCreditNote(facts: CreditNoteFacts): void {
    keepCreditNote(this.#transaction, facts);
  }

  session(id: string): CheckoutSession | undefined {
    return this.#sessions.get(id);
  }

  /** A checkout that a user began for this customer. */
  sessionOfCustomer(customerId: string): CheckoutSession | undefined {
    return [...this.#sessions.values()].find((session) => session.stripeCustomerId === customerId);
  }

  /** Notes that a user's premium has to be worked out again before the unit of work ends. */
  touchUser(userId: number): void {
    this.#touchedUsers.set(userId, this.correlationId);
  }

  touchedUsers(): Iterable<[userId: number, correlationId: string]> {
    return this.#touchedUsers;
  }

  /** Does what books without announcing: nothing is noted as said, so that whose news it is can still tell it. */
  async unannounced(work: () => Promise<void>): Promise<void> {
    this.#isMuted = true;
    await work();
    this.#isMuted = false;
  }

  announce(announcement: Announcement): void {
    if (this.#isMuted) return;
    if (this.#announcements.has(announcement.fact)) return;
    this.#announcements.set(announcement.fact, { ...announcement, correlationId: this.correlationId });
  }

  /** Notes that Stripe has to be asked whether a user's premium is over. */
  confirmEnd(userId: number): void {
    this.#endsToConfirm.add(userId);
  }

  endsToConfirm(): number[] {
    return [...this.#endsToConfirm];
  }

  announcements(): (Announcement & { correlationId: string })[] {
    return [...this.#announcements.values()];
  }

  /** Notes that a key which parked events may wait for is known from now on. */
  appeared(key: string): void {
    this.#appeared.add(key);
  }

  appearedKeys(): string[] {
    return [...this.#appeared];
  }

  #isOurMode({ livemode }: { livemode?: boolean | null }): boolean {
    return livemode == null || livemode === this.#livemode;
  }
}

function isPayment(row: Subscription | Payment): row is Payment {
  return 'stripePaymentIntentId' in row;
}

function tablesOf(orm: MikroORM) {
  const { customers, subscriptions, payments, links, sessions } = LEDGER_TABLES;
  return {
    users: new Rows<User>(orm, User, 'id'),
    customers: new Rows<Customer>(orm, customers.entity, customers.key),
    subscriptions: new Rows<Subscription>(orm, subscriptions.entity, subscriptions.key),
    payments: new Rows<Payment>(orm, payments.entity, payments.key),
    links: new Rows<InvoicePayment>(orm, links.entity, links.key),
    sessions: new Rows<CheckoutSession>(orm, sessions.entity, sessions.key),
  };
}
