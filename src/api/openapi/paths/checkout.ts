import { checkoutBody } from '../../routes/checkout.ts';
import { BODY_CODES, DATABASE_CODES, failures, PURCHASE_CODES, STRIPE_CODES, USER_CODES } from '../codes.ts';
import { answers, jsonBody } from '../operations.ts';
import { envelope, id, link, object } from '../schemas.ts';
import type { Paths, Schema } from '../types.ts';

/** A session of Stripe Checkout, and the page to send the buyer to. */
export const checkoutLink: Schema = object({ id: id('cs_'), url: link });

export const checkoutPaths: Paths = {
  '/api/stripe/create-checkout-session': {
    post: {
      operationId: 'createCheckoutSession',
      tags: ['subscription'],
      summary: 'Begins a purchase, with or without a login',
      description: 'With a valid login token the purchase is that user’s; without one it is a guest’s.',
      security: [{}, { login: [] }],
      requestBody: jsonBody(checkoutBody, true),
      responses: {
        ...answers('The page to pay on', envelope(checkoutLink)),
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
  },
};
