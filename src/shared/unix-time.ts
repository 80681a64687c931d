/** Stripe's times are Unix seconds; ours are `Date`. This is the one place where they meet. */
export function fromUnixSeconds(seconds: number): Date {
  return new Date(seconds * 1_000);
}

/** @returns whole Unix seconds, rounded down */
export function toUnixSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1_000);
}
