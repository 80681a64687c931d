import { DATABASE_CODES, failures, USER_CODES } from '../codes.ts';
import { answers, FOR_USER, pageOf, pageParameters } from '../operations.ts';
import { amount, count, currency, envelope, object, orNull, text, time, word } from '../schemas.ts';
import type { Paths, Schema } from '../types.ts';

const payment: Schema = object(
  {
    id: { type: 'string', pattern: '^[0-9]+$' },
    amount,
    currency,
    status: word('pending', 'succeeded', 'failed', 'canceled'),
    payment_method_type: orNull(text()),
    created_at: time,
    settled_by: {
      ...word('out_of_band', 'credit_note', 'balance'),
      description: 'how its invoice was paid; only where no payment through Stripe did it',
    },
    failure_reason: text('why it failed; only then'),
    amount_refunded: { ...amount, description: 'what went back; only when something did' },
  },
  ['settled_by', 'failure_reason', 'amount_refunded'],
);

const currencyStats: Schema = object({
  total_payments: count,
  successful_payments: count,
  total_amount_paid: amount,
  amount_refunded: amount,
});

export const paymentPaths: Paths = {
  '/api/stripe/payment/history': {
    get: {
      operationId: 'listPayments',
      tags: ['payment'],
      summary: 'The user’s payments, newest first',
      security: FOR_USER,
      parameters: pageParameters(10),
      responses: {
        ...answers('A page of them', envelope(pageOf('payments', payment))),
        ...failures('invalid_query', ...USER_CODES, ...DATABASE_CODES),
      },
    },
  },
  '/api/stripe/payment/stats': {
    get: {
      operationId: 'getPaymentStats',
      tags: ['payment'],
      summary: 'Totals, each currency for itself',
      security: FOR_USER,
      responses: {
        ...answers(
          'Totals',
          envelope(
            object({
              total_payments: count,
              successful_payments: count,
              total_amount_paid: { ...amount, description: 'of the main currency only, in major units' },
              currency: { ...orNull(currency), description: 'the main one: of most successful payments' },
              success_rate: { type: 'number', minimum: 0, maximum: 100, description: 'percent' },
              by_currency: {
                type: 'object',
                propertyNames: { pattern: '^[a-z]{3}$' },
                additionalProperties: currencyStats,
              },
            }),
          ),
        ),
        ...failures(...USER_CODES, ...DATABASE_CODES),
      },
    },
  },
};
