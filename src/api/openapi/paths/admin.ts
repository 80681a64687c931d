import { doneBody, linkBody } from '../../routes/admin-customers.ts';
import { retryBody } from '../../routes/admin-events.ts';
import { ADMIN_CODES, BODY_CODES, DATABASE_CODES, failures, STRIPE_CODES } from '../codes.ts';
import { answers, FOR_OPERATOR, jsonBody, pageOf, pageParameters, queryParameter } from '../operations.ts';
import {
  amount,
  count,
  currency,
  envelope,
  id,
  list,
  object,
  orNull,
  text,
  time,
  userId,
  word,
  yesNo,
} from '../schemas.ts';
import type { Parameter, Paths, Schema } from '../types.ts';

const event: Schema = object({
  id: { type: 'integer' },
  stripe_event_id: text(),
  event_type: text(),
  processed: yesNo(),
  processed_at: orNull(time),
  retry_count: count,
  error_message: orNull(text()),
  created_at: time,
  outcome: orNull(word('applied', 'ignored', 'failed')),
  waiting_for: { ...orNull(text()), description: 'the customer whose user has to be known first' },
});

/** What the worker found, in its own words, and when. */
const report: Schema = orNull({
  type: 'object',
  properties: { checked_at: time },
  required: ['checked_at'],
  additionalProperties: true,
});

const attention: Schema = object({
  duplicate_subscriptions: list(
    object({
      user_id: userId,
      stripe_subscription_id: id('sub_'),
      duplicate_of: orNull(id('sub_')),
    }),
  ),
  parked: list(object({ waiting_for: text('a customer'), events: count, since: time })),
  unfinalized_invoices: list(
    object({
      user_id: userId,
      stripe_subscription_id: id('sub_'),
      stripe_invoice_id: orNull(id('in_')),
      reason: orNull(text('Stripe’s code, or its words')),
      since: orNull(time),
    }),
  ),
  tax_switched_off: list(
    object({
      user_id: userId,
      stripe_subscription_id: id('sub_'),
      reason: orNull(text('Stripe’s word')),
    }),
  ),
  first_payment_failed: list(
    object({ user_id: userId, stripe_subscription_id: id('sub_'), since: orNull(time) }),
  ),
  failed_events: count,
  money: {
    ...list(
      object({
        id: text('of the invoice, the intent or the subscription, at Stripe'),
        kind: word('paid_after_end', 'period_over', 'active_unpaid'),
        user_id: userId,
        reason: text(),
        since: orNull(time),
        stripe_subscription_id: orNull(text()),
        amount: orNull(amount),
        currency: orNull(currency),
      }),
    ),
    description: 'money taken with nothing given, and the reverse',
  },
  drift: report,
  webhook_endpoint: report,
});

const job = envelope(object({ job_id: text('of the queue `maintenance`') }));

function userIdInPath(name: string): Parameter {
  return { name, in: 'path', required: true, description: 'a user of Matcha', schema: userId };
}

export const adminPaths: Paths = {
  '/api/admin/webhook/events': {
    get: {
      operationId: 'listEvents',
      tags: ['admin'],
      summary: 'The trace of Stripe’s events, newest first, without their payloads',
      security: FOR_OPERATOR,
      parameters: [
        ...pageParameters(50),
        queryParameter('state', word('failed', 'parked', 'pending', 'processed'), 'only those'),
        queryParameter('type', { type: 'string', minLength: 1, maxLength: 100 }, 'only of this type'),
      ],
      responses: {
        ...answers('A page of them', envelope(pageOf('events', event))),
        ...failures('invalid_query', ...ADMIN_CODES, ...DATABASE_CODES),
      },
    },
  },
  '/api/admin/webhook/retry': {
    post: {
      operationId: 'retryEvents',
      tags: ['admin'],
      summary: 'Enqueues failed events again, all (at most 1000 a call) or those named',
      security: FOR_OPERATOR,
      requestBody: jsonBody(retryBody, false),
      responses: {
        ...answers('How many', envelope(object({ retried: count }))),
        ...failures(...BODY_CODES, ...ADMIN_CODES, 'queue_unavailable', ...DATABASE_CODES),
      },
    },
  },
  '/api/admin/payment/sync': {
    post: {
      operationId: 'syncPayments',
      tags: ['admin'],
      summary: 'Reads everybody’s subscriptions and invoices from Stripe again, as a job',
      security: FOR_OPERATOR,
      responses: {
        ...answers('The job', job),
        ...failures(...ADMIN_CODES, 'queue_unavailable', 'internal_error'),
      },
    },
  },
  '/api/admin/payment/sync/{user_id}': {
    post: {
      operationId: 'syncPaymentsOfUser',
      tags: ['admin'],
      summary: 'The same for one user',
      security: FOR_OPERATOR,
      parameters: [userIdInPath('user_id')],
      responses: {
        ...answers('The job', job),
        ...failures(
          'invalid_user_id',
          ...ADMIN_CODES,
          'user_not_found',
          'queue_unavailable',
          ...DATABASE_CODES,
        ),
      },
    },
  },
  '/api/admin/attention': {
    get: {
      operationId: 'getAttention',
      tags: ['admin'],
      summary: 'What a person has to look at',
      security: FOR_OPERATOR,
      responses: {
        ...answers('All of it', envelope(attention)),
        ...failures(...ADMIN_CODES, ...DATABASE_CODES),
      },
    },
  },
  '/api/admin/attention/done': {
    post: {
      operationId: 'markAttentionDone',
      tags: ['admin'],
      summary: 'Says why an entry of `money` needs no attention any more; it is not shown again',
      security: FOR_OPERATOR,
      requestBody: jsonBody(doneBody, true),
      responses: {
        ...answers(
          'The mark; the first one where it was marked before',
          envelope(
            object({ kind: text(), id: text(), reason: text(), done_by: text(), done_at: orNull(time) }),
          ),
        ),
        ...failures(...BODY_CODES, ...ADMIN_CODES, 'not_at_attention', ...DATABASE_CODES),
      },
    },
  },
  '/api/admin/customer/link': {
    post: {
      operationId: 'linkCustomer',
      tags: ['admin'],
      summary: 'Says whose customer it is, and lets its parked events go',
      security: FOR_OPERATOR,
      requestBody: jsonBody(linkBody, true),
      responses: {
        ...answers('The job', job),
        ...failures(
          ...BODY_CODES,
          ...ADMIN_CODES,
          'user_not_found',
          'customer_taken',
          'queue_unavailable',
          ...DATABASE_CODES,
        ),
      },
    },
  },
  '/api/admin/user/{id}/billing': {
    delete: {
      operationId: 'endBilling',
      tags: ['admin'],
      summary: 'Ends everything Stripe could still charge a user for, before the account is deleted',
      security: FOR_OPERATOR,
      parameters: [userIdInPath('id')],
      responses: {
        ...answers(
          'What was ended',
          envelope(
            object({
              customers: list(id('cus_')),
              canceled_subscriptions: list(id('sub_')),
              expired_sessions: list(id('cs_')),
            }),
          ),
        ),
        ...failures('invalid_user_id', ...ADMIN_CODES, 'user_not_found', ...STRIPE_CODES, ...DATABASE_CODES),
      },
    },
  },
};
