/** Something a user is told once. Becomes an outbox row in the same transaction as what it announces. */
export type Announcement = {
  /** Names the fact: kind, object, state. Unique for ever. */
  fact: string;
  userId: number;
  type: NotificationType;
  data: Record<string, unknown>;
};

/** The message types of the contract with the gateway and the browser. */
export type NotificationType =
  | 'premium_activated'
  | 'premium_cancelled'
  | 'payment_succeeded'
  | 'payment_failed'
  | 'payment_pending'
  | 'payment_action_required'
  | 'payment_refunded'
  | 'trial_ending';
