/** Every queue there is. A worker process may serve some of them (`WORKER_QUEUES`). */
export const QUEUE_NAMES = ['stripe-events', 'notifications', 'maintenance'] as const;
export type QueueName = (typeof QUEUE_NAMES)[number];

/** A Stripe event on its way to the worker. The job's name is the event's type. */
export type StripeEventJob = {
  eventId: string;
  /** The event exactly as Stripe sent it. Never parsed and printed again on the way: that costs, and may change it. */
  payload: string;
  /** Follows the event from the HTTP request to the notification, in every log line. */
  correlationId: string;
  /** An object of the event that Stripe did not know (404), and when it said so first, in Unix milliseconds. */
  missing?: { id: string; at: number };
};

/** An outbox message on its way to the gateway, where that did not take it at once. */
export type NotificationJob = {
  outboxId: number;
  /** What is announced; the outbox's unique key. */
  fact: string;
  type: string;
  userId: number;
  data: Record<string, unknown>;
  correlationId: string;
  /** When Stripe made the event that caused it, in Unix milliseconds; unknown where the sweep had to queue it again. */
  causedAt?: number;
};

/** Work besides events and messages: what time brings, and what operators ask for. */
export type MaintenanceJob =
  /** Puts right what time and lost messages leave behind; repeats every half minute. */
  | { task: 'sweep' }
  /** Reads one subscription and its latest invoice from Stripe. */
  | { task: 'sync-subscription'; stripeSubscriptionId: string }
  /** Voids what a subscription that has ended still asks for. */
  | { task: 'close-unpaid'; stripeSubscriptionId: string }
  /** Asks Stripe whether a user's premium is over, before the user is told. */
  | { task: 'confirm-end'; userId: number }
  /** Reads the subscriptions and invoices of one user, or of everybody, from Stripe. */
  | { task: 'sync-payments'; userId: number | null }
  /** Compares Stripe's list of events with ours and enqueues what is missing; repeats. */
  | { task: 'reconcile' }
  /** Compares rows with Stripe and reports; repeats every night. */
  | { task: 'drift' }
  /** Looks at our webhook endpoint at Stripe; repeats every day and at start. */
  | { task: 'check-endpoint' }
  /** Ties a Stripe customer to a user, as an operator says. */
  | { task: 'link-customer'; stripeCustomerId: string; userId: number };

export type JobData = {
  'stripe-events': StripeEventJob;
  notifications: NotificationJob;
  maintenance: MaintenanceJob;
};
