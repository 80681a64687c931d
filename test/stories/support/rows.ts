import type { MikroORM } from '@mikro-orm/postgresql';
import {
  CheckoutSession,
  Customer,
  OutboxMessage,
  Payment,
  Subscription,
  User,
  WebhookEvent,
} from '../../../src/shared/entities/index.ts';

/** The rows as they are in the database now. */
export class Rows {
  readonly #orm: MikroORM;

  constructor(orm: MikroORM) {
    this.#orm = orm;
  }

  /** The only subscription there is. */
  async subscription(): Promise<Subscription> {
    return only(await this.subscriptions());
  }

  /** The only payment there is. */
  async payment(): Promise<Payment> {
    return only(await this.payments());
  }

  subscriptions(): Promise<Subscription[]> {
    return this.#orm.em.fork().find(Subscription, {}, { orderBy: { id: 'asc' } });
  }

  payments(): Promise<Payment[]> {
    return this.#orm.em.fork().find(Payment, {}, { orderBy: { createdAt: 'asc', id: 'asc' } });
  }

  customers(): Promise<Customer[]> {
    return this.#orm.em.fork().find(Customer, {}, { orderBy: { id: 'asc' } });
  }

  checkoutSessions(): Promise<CheckoutSession[]> {
    return this.#orm.em.fork().find(CheckoutSession, {}, { orderBy: { id: 'asc' } });
  }

  events(): Promise<WebhookEvent[]> {
    return this.#orm.em.fork().find(WebhookEvent, {}, { orderBy: { id: 'asc' } });
  }

  outbox(): Promise<OutboxMessage[]> {
    return this.#orm.em.fork().find(OutboxMessage, {}, { orderBy: { id: 'asc' } });
  }

  /** A user's `premium`, or null. */
  async premium(userId: number): Promise<Date | null> {
    return (await this.#orm.em.fork().findOneOrFail(User, { id: userId })).premium ?? null;
  }

  /** Empties the books, as if the service had only now joined: users and their customers stay. */
  async forgetEverything(): Promise<void> {
    await this.#orm.em
      .fork()
      .execute('truncate subscriptions, payments, webhook_events, outbox_messages, invoice_payments cascade');
    await this.#orm.em.fork().execute('update users set premium = null');
  }
}

function only<T>(rows: readonly T[]): T {
  const [row] = rows;
  if (row === undefined || rows.length > 1) throw new Error(`Expected one row, found ${rows.length}`);
  return row;
}
