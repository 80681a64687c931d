/** Where "now" comes from. Injected, so that a story test can follow the Stripe sandbox's clock. */
export type Clock = { now(): Date };

export const systemClock: Clock = { now: () => new Date() };
