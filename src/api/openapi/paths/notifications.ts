import { DATABASE_CODES, failures, USER_CODES } from '../codes.ts';
import { answers, FOR_USER, queryParameter } from '../operations.ts';
import { envelope, list, object, text, time } from '../schemas.ts';
import type { Paths } from '../types.ts';

const messageId = { type: 'integer', minimum: 1 };

export const notificationPaths: Paths = {
  '/api/stripe/notifications': {
    get: {
      operationId: 'listNotifications',
      tags: ['notification'],
      summary: 'What the user was told since, oldest first',
      description:
        'The same messages that the gateway brings to an open browser, under the same ids (`data.id` there): for who ' +
        'comes back from a payment page or was offline. Ask again with `after` set to `last_id`.',
      security: FOR_USER,
      parameters: [
        queryParameter(
          'after',
          { type: 'integer', minimum: 0, maximum: 9_999_999_999, default: 0 },
          'the last id that is known already',
        ),
        queryParameter(
          'limit',
          { type: 'integer', minimum: 1, maximum: 100, default: 20 },
          'how many at most',
        ),
      ],
      responses: {
        ...answers(
          'The next of them',
          envelope(
            object({
              notifications: list(
                object({
                  id: messageId,
                  type: text('the message’s type'),
                  data: {
                    type: 'object',
                    properties: { id: messageId },
                    required: ['id'],
                    description: 'what the type says, and `id` once more',
                  },
                  created_at: time,
                }),
              ),
              last_id: {
                type: 'integer',
                minimum: 0,
                description: 'of the last one here; `after` when there is none',
              },
            }),
          ),
        ),
        ...failures('invalid_query', ...USER_CODES, ...DATABASE_CODES),
      },
    },
  },
};
