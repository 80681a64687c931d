import type { EntityManager } from '@mikro-orm/postgresql';
import { readTogether } from '../../../shared/database/index.ts';
import {
  CheckoutSession,
  Customer,
  InvoicePayment,
  Payment,
  Subscription,
  User,
} from '../../../shared/entities/index.ts';
import type { Announcement } from './announcement.ts';
import { type Keys, lockNames, provisionalIntentId } from './keys.ts';
import { lock } from './locks.ts';
import { type PaidBy, type Survey, survey } from './survey.ts';

/**
 * The rows that one unit of work may touch, read once and looked up in memory. Handlers change what they find here
 * (MikroORM notes it) and add rows with `em.create`; everything is written by one flush.
 */
export class Ledger {
  readonly em: EntityManager;
  /** Of the event at hand; what is announced now carries it on. */
  correlationId = '';
  #processed: ReadonlySet<string> = new Set();
  readonly #customers = new Map<string, Customer>();
  readonly #users = new Map<number, User>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #payments = new Set<Payment>();
  /** By intent. */
  readonly #links = new Map<string, PaidBy>();
  readonly #sessions = new Map<string, CheckoutSession>();
  readonly #announcements = new Map<string, Announcement & { correlationId: string }>();
  /** User id → correlation id of the event that touched it last. */
  readonly #touchedUsers = new Map<number, string>();
  readonly #appeared = new Set<string>();

  private constructor(em: EntityManager) {
    this.em = em;
  }

  /** Locks what the keys name, then reads it. Everything read here stays as it is until the transaction ends. */
  static async open(em: EntityManager, keys: Keys, eventIds: readonly string[]): Promise<Ledger> {
    const ledger = new Ledger(em);
    await lock(em, lockNames(keys, eventIds));
    const found = await survey(em, keys, eventIds);
    ledger.#processed = found.processed;
    for (const link of found.links) ledger.#links.set(link.intentId, link);
    await ledger.#readCustomersAndSessions(keys);
    const users = await ledger.#lockUsers(keys, found);
    await ledger.#readLocked(keys, found, users);
    return ledger;
  }

  async #readCustomersAndSessions(keys: Keys): Promise<void> {
    if (keys.customers.size > 0) {
      const rows = await this.em.find(Customer, { stripeCustomerId: { $in: [...keys.customers] } });
      for (const row of rows) this.#customers.set(row.stripeCustomerId, row);
    }
    const unknown = [...keys.customers].filter((id) => this.#customers.get(id)?.userId == null);
    if (keys.sessions.size === 0 && unknown.length === 0) return;
    const rows = await this.em.find(CheckoutSession, {
      $or: [{ stripeSessionId: { $in: [...keys.sessions] } }, { stripeCustomerId: { $in: unknown } }],
    });
    for (const row of rows) this.#sessions.set(row.stripeSessionId, row);
  }

  /** @returns the ids of all users whose rows may be touched; everything of theirs is locked from here on */
  async #lockUsers(keys: Keys, { payers }: Survey): Promise<ReadonlySet<number>> {
    const ids = new Set([...keys.users, ...payers]);
    for (const { userId } of this.#customers.values()) if (userId != null) ids.add(userId);
    for (const session of this.#sessions.values()) ids.add(session.userId);
    // Addresses are looked through only while somebody is unknown: the table is large and every invoice names one.
    if (this.#namesStranger(keys) && keys.emails.size > 0) {
      const verified = await this.em.execute<{ id: string | number }[]>(
        `select id from users where email_verified and lower(email) in (
           select json_array_elements_text(?::json))`,
        [JSON.stringify([...keys.emails])],
      );
      for (const { id } of verified) ids.add(Number(id));
    }
    // An advisory lock rather than the row's own: other services' inserts that refer to the user must not wait.
    if (ids.size > 0)
      await lock(
        this.em,
        [...ids].map((id) => `user:${id}`),
      );
    return ids;
  }

  #namesStranger(keys: Keys): boolean {
    return [...keys.customers].some((id) => this.#customers.get(id)?.userId == null);
  }

  /**
   * Payments only now: a refund's or a dispute's event names no customer, so the user's lock is all that such a unit
   * of work has in common with others that touch the same payment.
   */
  async #readLocked(keys: Keys, { invoices, intents }: Survey, users: ReadonlySet<number>): Promise<void> {
    const found = await readTogether<{ users: User; subscriptions: Subscription; payments: Payment }>(
      this.em,
      {
        users: { entity: User, where: { id: users } },
        subscriptions: {
          entity: Subscription,
          where: { user_id: users, stripe_subscription_id: keys.subscriptions },
        },
        payments: {
          entity: Payment,
          where: {
            stripe_invoice_id: invoices,
            stripe_payment_intent_id: [...intents, ...[...invoices].map(provisionalIntentId)],
            stripe_charge_id: keys.charges,
          },
        },
      },
    );
    for (const row of found.users) this.#users.set(row.id, row);
    for (const row of found.subscriptions) this.#subscriptions.set(row.stripeSubscriptionId, row);
    for (const row of found.payments) this.#payments.add(row);
    if (found.users.length > 0 && this.#namesStranger(keys)) {
      // A customer may be linked in this unit of work: which one each user prefers must be known then.
      const preferred = await this.em.find(Customer, { userId: { $in: [...users] }, preferred: true });
      for (const row of preferred) this.#customers.set(row.stripeCustomerId, row);
    }
  }

  /** Whether a Stripe event was applied, or ignored for good, before this unit of work. */
  isProcessed(eventId: string): boolean {
    return this.#processed.has(eventId);
  }

  customer(id: string | null): Customer | undefined {
    return id === null ? undefined : this.#customers.get(id);
  }

  addCustomer(customer: Customer): void {
    this.#customers.set(customer.stripeCustomerId, customer);
  }

  /** The user's customer that new checkouts use, among those read. */
  preferredCustomerOf(userId: number): Customer | undefined {
    return [...this.#customers.values()].find(
      (row) => row.userId === userId && row.preferred && row.deletedAt == null,
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

  subscriptionsOf(userId: number): Subscription[] {
    return [...this.#subscriptions.values()].filter((row) => row.userId === userId);
  }

  addSubscription(subscription: Subscription): void {
    this.#subscriptions.set(subscription.stripeSubscriptionId, subscription);
  }

  payments(): Iterable<Payment> {
    return this.#payments;
  }

  hasPaymentOfInvoice(invoiceId: string): boolean {
    return [...this.#payments].some((row) => row.stripeInvoiceId === invoiceId);
  }

  addPayment(payment: Payment): void {
    this.#payments.add(payment);
  }

  /** Takes a row out of the books, for example when it turns out to stand for the same payment as another. */
  removePayment(payment: Payment): void {
    this.#payments.delete(payment);
    this.em.remove(payment);
  }

  invoiceOfIntent(intentId: string): string | null {
    return this.#links.get(intentId)?.invoiceId ?? null;
  }

  intentOfInvoice(invoiceId: string): string | null {
    for (const link of this.#links.values()) {
      if (link.invoiceId === invoiceId) return link.intentId;
    }
    return null;
  }

  /** Writes down which invoice an intent pays. */
  link(invoiceId: string, intentId: string, now: Date): void {
    this.em.create(InvoicePayment, {
      stripeInvoiceId: invoiceId,
      stripePaymentIntentId: intentId,
      createdAt: now,
    });
    this.#links.set(intentId, { invoiceId, intentId });
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

  announce(announcement: Announcement): void {
    if (this.#announcements.has(announcement.fact)) return;
    this.#announcements.set(announcement.fact, { ...announcement, correlationId: this.correlationId });
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
}
