import { buyBody, cancelBody } from '../../routes/subscription.ts';
import { BODY_CODES, DATABASE_CODES, failures, PURCHASE_CODES, STRIPE_CODES, USER_CODES } from '../codes.ts';
import { answers, FOR_USER, jsonBody, queryParameter } from '../operations.ts';
import { envelope, id, link, object, orNull, plan, text, time, word, yesNo } from '../schemas.ts';
import type { Paths, Schema } from '../types.ts';
import { checkoutLink } from './checkout.ts';

const subscriptionFields: Record<string, Schema> = {
  id: { ...orNull({ type: 'integer' }), description: 'null until the worker has stored it' },
  plan_type: orNull(plan),
  status: word('active', 'inactive', 'canceled', 'past_due', 'unpaid'),
  stripe_status: orNull(text('Stripe’s own word')),
  current_period_start: orNull(time),
  current_period_end: orNull(time),
  cancel_at_period_end: yesNo(),
  canceled_at: orNull(time),
  trial_start: orNull(time),
  trial_end: orNull(time),
  stripe_subscription_id: id('sub_'),
};
const subscription: Schema = object(subscriptionFields);

const cancelled: Schema = object({
  ...subscriptionFields,
  premium_until: { ...orNull(time), description: 'until when premium lasts: the end of what is paid' },
  reference: { type: 'string', pattern: '^[0-9A-Z-]+$', description: 'a number the person can keep' },
  debit_under_way: yesNo('a bank debit cannot be called back any more: its money may still arrive'),
});

const message = text('for the user, in French');

export const subscriptionPaths: Paths = {
  '/api/stripe/subscription': {
    get: {
      operationId: 'getSubscription',
      tags: ['subscription'],
      summary: 'Whether the user is premium, until when and why',
      security: FOR_USER,
      parameters: [
        queryParameter(
          'session_id',
          { type: 'string', pattern: '^cs_\\w{1,250}$' },
          'the checkout session the user comes back from, whose events may not be here yet',
        ),
      ],
      responses: {
        ...answers(
          'The one that counts, or null',
          envelope(
            object({
              is_premium: yesNo(),
              premium_until: orNull(time),
              reason: word('active', 'trial', 'grace', 'payment_pending', 'cancelled_until', 'none'),
              subscription: orNull(subscription),
            }),
          ),
        ),
        ...failures(
          'invalid_query',
          ...USER_CODES,
          'session_not_found',
          'too_many_requests',
          ...STRIPE_CODES,
          ...DATABASE_CODES,
        ),
      },
    },
    post: {
      operationId: 'buySubscription',
      tags: ['subscription'],
      summary: 'Begins a purchase',
      security: FOR_USER,
      requestBody: jsonBody(buyBody, true),
      responses: {
        ...answers('The page to pay on', envelope(checkoutLink, message)),
        ...failures(
          ...BODY_CODES,
          ...USER_CODES,
          ...PURCHASE_CODES,
          'too_many_requests',
          'busy',
          ...STRIPE_CODES,
          ...DATABASE_CODES,
        ),
      },
    },
    delete: {
      operationId: 'cancelSubscription',
      tags: ['subscription'],
      summary: 'Cancels at the end of the period, or now',
      description:
        'What is not paid for is not collected afterwards: a subscription whose running period is unpaid ends at once, ' +
        'and so does a paused one. Answers once our row shows it, or after two seconds.',
      security: FOR_USER,
      requestBody: jsonBody(cancelBody, false),
      responses: {
        ...answers('The subscription as Stripe now has it', envelope(cancelled, message)),
        ...failures(
          ...BODY_CODES,
          ...USER_CODES,
          'nothing_to_cancel',
          'too_many_requests',
          ...STRIPE_CODES,
          ...DATABASE_CODES,
        ),
      },
    },
  },
  '/api/stripe/subscription/resume': {
    post: {
      operationId: 'resumeSubscription',
      tags: ['subscription'],
      summary: 'Takes a scheduled end back, or resumes a paused subscription',
      description:
        'What resuming costs is charged at once. Answers once our row shows it, or after two seconds.',
      security: FOR_USER,
      responses: {
        ...answers('The subscription as Stripe now has it', envelope(subscription, message)),
        ...failures(
          ...USER_CODES,
          'payment_failed',
          'payment_action_required',
          'nothing_to_resume',
          'payment_method_missing',
          'too_many_requests',
          ...STRIPE_CODES,
          ...DATABASE_CODES,
        ),
      },
    },
  },
  '/api/stripe/subscription/billing-portal': {
    get: {
      operationId: 'openBillingPortal',
      tags: ['subscription'],
      summary: 'Opens Stripe’s billing portal',
      security: FOR_USER,
      parameters: [
        queryParameter('return_url', link, 'where its back button leads: on one of our own origins'),
      ],
      responses: {
        ...answers('The portal', envelope(object({ url: link }))),
        ...failures(
          'invalid_query',
          'return_url_not_allowed',
          ...USER_CODES,
          'no_customer',
          'portal_not_configured',
          'too_many_requests',
          ...STRIPE_CODES,
          ...DATABASE_CODES,
        ),
      },
    },
  },
  '/api/stripe/subscription/premium-status': {
    get: {
      operationId: 'getPremiumStatus',
      tags: ['subscription'],
      summary: 'Whether the user is premium, and no more',
      security: FOR_USER,
      responses: {
        ...answers('Whether', envelope(object({ is_premium: yesNo() }))),
        ...failures(...USER_CODES, ...DATABASE_CODES),
      },
    },
  },
};
