/**
 * Currencies whose Stripe amounts carry no decimals (docs.stripe.com/currencies). UGX and ISK have no decimals
 * either, but Stripe's API takes them as two-decimal amounts, so they are not listed.
 */
const ZERO_DECIMAL = new Set([
  'bif',
  'clp',
  'djf',
  'gnf',
  'jpy',
  'kmf',
  'krw',
  'mga',
  'pyg',
  'rwf',
  'vnd',
  'vuv',
  'xaf',
  'xof',
  'xpf',
]);

const THREE_DECIMAL = new Set(['bhd', 'jod', 'kwd', 'omr', 'tnd']);

/** How many decimals Stripe's integer amounts of a currency carry: JPY 0, EUR 2, KWD 3. */
export function currencyExponent(currency: string): 0 | 2 | 3 {
  const code = currency.toLowerCase();
  if (ZERO_DECIMAL.has(code)) return 0;
  return THREE_DECIMAL.has(code) ? 3 : 2;
}

/**
 * Turns an integer in minor units into major units (`999` EUR → `9.99`, `500` JPY → `500`, `1234` KWD → `1.234`).
 * The result is for people to read; nothing computes with it.
 */
export function toMajorUnits(minorUnits: number, currency: string): number {
  const exponent = currencyExponent(currency);
  return Number((minorUnits / 10 ** exponent).toFixed(exponent));
}
