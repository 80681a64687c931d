import type { EntityManager } from '@mikro-orm/postgresql';
import { exactNumber } from '../../shared/entities/columns.ts';
import { toMajorUnits } from '../../shared/money.ts';

/** One currency's part of a user's payments; amounts in major units. */
export type CurrencyStats = {
  total_payments: number;
  successful_payments: number;
  total_amount_paid: number;
  amount_refunded: number;
};

export type PaymentStats = {
  total_payments: number;
  successful_payments: number;
  /** Of the main currency only: amounts of two currencies have no sum. */
  total_amount_paid: number;
  /** The main currency: the one of most successful payments. */
  currency: string | null;
  /** Percent, with at most two decimals. */
  success_rate: number;
  by_currency: Record<string, CurrencyStats>;
};

/** Counts are `bigint`, which the driver gives as text. */
type Row = { currency: string; total: string; successful: string; paid: string; refunded: string };

/** Main currency first. */
const BY_CURRENCY = `
  select lower(currency) as currency,
    count(*) as total,
    count(*) filter (where status = 'succeeded') as successful,
    coalesce(sum(amount) filter (where status = 'succeeded'), 0) as paid,
    coalesce(sum(amount_refunded), 0) as refunded
  from payments
  where user_id = ? and not awaiting_invoice
  group by lower(currency)
  order by successful desc, total desc, currency`;

/** Adds up a user's payments, each currency for itself. */
export async function paymentStats(em: EntityManager, userId: number): Promise<PaymentStats> {
  const rows: Row[] = await em.execute(BY_CURRENCY, [userId]);
  const total = sum(rows.map((row) => Number(row.total)));
  const successful = sum(rows.map((row) => Number(row.successful)));
  const main = rows[0];
  return {
    total_payments: total,
    successful_payments: successful,
    total_amount_paid: main ? toMajorUnits(exactNumber(main.paid), main.currency) : 0,
    currency: main?.currency ?? null,
    success_rate: total === 0 ? 0 : Number(((successful / total) * 100).toFixed(2)),
    by_currency: Object.fromEntries(rows.map((row) => [row.currency, currencyStats(row)])),
  };
}

function currencyStats(row: Row): CurrencyStats {
  return {
    total_payments: Number(row.total),
    successful_payments: Number(row.successful),
    total_amount_paid: toMajorUnits(exactNumber(row.paid), row.currency),
    amount_refunded: toMajorUnits(exactNumber(row.refunded), row.currency),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}
