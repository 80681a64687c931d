import type Stripe from 'stripe';

/** Merges metadata as Stripe does: an empty value removes its key, `''` for the whole removes them all. */
export function mergeMetadata(
  current: Stripe.Metadata,
  given: Record<string, string> | null | undefined,
): Stripe.Metadata {
  if (given === undefined) return current;
  if (given === null) return {};
  return Object.fromEntries(Object.entries({ ...current, ...given }).filter(([, value]) => value !== ''));
}
