import { failures } from '../codes.ts';
import { answers } from '../operations.ts';
import { object } from '../schemas.ts';
import type { Paths } from '../types.ts';

export const webhookPaths: Paths = {
  '/api/stripe/webhook': {
    post: {
      operationId: 'receiveEvent',
      tags: ['stripe'],
      summary: 'Takes an event from Stripe',
      description:
        'Answers 200 once the event is durably queued or stored. The signature is over the exact bytes.',
      security: [{ stripeSignature: [] }],
      requestBody: {
        required: true,
        description: 'the event as Stripe sends it, at most 512 KiB',
        content: { 'application/json': { schema: { type: 'object' } } },
      },
      responses: {
        ...answers('Stored', object({ received: { const: true } })),
        ...failures(
          'missing_signature',
          'stale_signature',
          'invalid_signature',
          'invalid_encoding',
          'invalid_json',
          'not_an_event',
          'unreadable_body',
          'body_too_slow',
          'body_too_large',
          'too_many_bodies',
          'internal_error',
          'event_not_stored',
        ),
      },
    },
  },
};
