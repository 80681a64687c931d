/** What happens to new deliveries, for tests of order, duplicates and loss. */
export interface DeliveryRules {
  /** How many extra times each event is sent. */
  duplicates: number;
  /** Event types (or `customer.*`, `*`) whose deliveries are lost: neither sent nor retried. */
  drop: string[];
  /** How many more deliveries `drop` eats; then it ends by itself. */
  dropTimes: number;
  /** Each first attempt waits a random time up to this, in ms of real time, which mixes up their order. */
  jitterMs: number;
}

export const NO_RULES: DeliveryRules = {
  duplicates: 0,
  drop: [],
  dropTimes: Number.POSITIVE_INFINITY,
  jitterMs: 0,
};
