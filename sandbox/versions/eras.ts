/**
 * The shapes Stripe's objects had, each named by the letter of STRIPE.md.
 * D stands for basil and all that came after it.
 */
export type Era = OldEra | 'D';
export type OldEra = 'A' | 'B' | 'C';

/** Versions begin with their date, so they compare as text. */
export function eraOf(version: string): Era {
  if (version < '2020-08-27') return 'A';
  if (version < '2022-11-15') return 'B';
  // There is an odd `2025-03-01.dashboard`, from before basil.
  if (version < '2025-03-31') return 'C';
  return 'D';
}
