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
};

/** An outbox message on its way to the gateway. */
export type NotificationJob = {
  outboxId: number;
  type: string;
  userId: number;
  data: Record<string, unknown>;
  correlationId: string;
};

/** Work that nobody waits for: sweeps, and what operators ask for. */
export type MaintenanceJob =
  | { task: 'sweep' }
  | { task: 'sync-subscription'; stripeSubscriptionId: string }
  | { task: 'sync-payments'; userId: number | null };

export type JobData = {
  'stripe-events': StripeEventJob;
  notifications: NotificationJob;
  maintenance: MaintenanceJob;
};
