import { adminPaths } from './paths/admin.ts';
import { boardPaths } from './paths/board.ts';
import { checkoutPaths } from './paths/checkout.ts';
import { descriptionPaths } from './paths/description.ts';
import { healthPaths } from './paths/health.ts';
import { notificationPaths } from './paths/notifications.ts';
import { paymentPaths } from './paths/payment.ts';
import { subscriptionPaths } from './paths/subscription.ts';
import { webhookPaths } from './paths/webhook.ts';
import type { OpenApi } from './types.ts';

/** What the web process answers, route by route. A test holds every real answer against it. */
export const openApi: OpenApi = {
  openapi: '3.1.0',
  info: {
    title: 'Matcha payment service',
    version: '1',
    description:
      'Subscriptions and payments through Stripe. Names are snake_case, times RFC 3339 in UTC, amounts in major ' +
      'units. Every route answers with and without a trailing slash. Every answer has an `X-Request-Id`.',
  },
  servers: [{ url: '/', description: 'the web process' }],
  tags: [
    { name: 'stripe', description: 'What Stripe calls' },
    { name: 'subscription', description: 'A user’s subscription' },
    { name: 'payment', description: 'What a user paid' },
    { name: 'notification', description: 'What a user was told' },
    { name: 'admin', description: 'What an operator calls, and Matcha before it deletes an account' },
    { name: 'board', description: 'Bull Board, for an operator’s browser' },
    { name: 'health', description: 'What balancers and orchestrators call' },
    { name: 'description', description: 'This document' },
  ],
  paths: {
    ...webhookPaths,
    ...checkoutPaths,
    ...subscriptionPaths,
    ...paymentPaths,
    ...notificationPaths,
    ...adminPaths,
    ...boardPaths,
    ...healthPaths,
    ...descriptionPaths,
  },
  components: {
    securitySchemes: {
      login: {
        type: 'apiKey',
        in: 'header',
        name: 'X-JWT-Token',
        description: 'the login token (HS256), as the gateway passes it on',
      },
      user: {
        type: 'apiKey',
        in: 'header',
        name: 'X-User-ID',
        description: 'the token’s `sub`; proves nothing by itself',
      },
      bearer: {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description: 'the login token itself, for what reaches the service without a gateway',
      },
      internalKey: {
        type: 'apiKey',
        in: 'header',
        name: 'X-Internal-Key',
        description: '`INTERNAL_API_KEY`',
      },
      stripeSignature: {
        type: 'apiKey',
        in: 'header',
        name: 'Stripe-Signature',
        description: 'made by Stripe over the exact bytes of the body',
      },
      boardSession: {
        type: 'apiKey',
        in: 'cookie',
        name: 'board_session',
        description: 'from the login page of the board',
      },
    },
  },
};
