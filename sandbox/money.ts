/** Stripe's lists; ISK and UGX have no decimals but are sent with two. */
const NO_DECIMALS = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '));
const THREE_DECIMALS = new Set('bhd jod kwd omr tnd'.split(' '));

/** How many decimals an amount in Stripe's minor unit of a currency has. */
export function exponentOf(currency: string): 0 | 2 | 3 {
  const code = currency.toLowerCase();
  if (NO_DECIMALS.has(code)) return 0;
  return THREE_DECIMALS.has(code) ? 3 : 2;
}

/** @param amount minor units of `currency`; @returns it for French readers, as in `9,99 €` */
export function formatMoney(amount: number, currency: string): string {
  const digits = exponentOf(currency);
  return new Intl.NumberFormat('fr-FR', {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(amount / 10 ** digits);
}
