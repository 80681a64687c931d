import type { Paths } from '../types.ts';

export const descriptionPaths: Paths = {
  '/api/openapi.json': {
    get: {
      operationId: 'getDescription',
      tags: ['description'],
      summary: 'This description',
      security: [],
      responses: {
        200: {
          description: 'OpenAPI 3.1',
          content: {
            'application/json': {
              schema: {
                type: 'object',
                properties: { openapi: { const: '3.1.0' } },
                required: ['openapi', 'info', 'paths'],
              },
            },
          },
        },
      },
    },
  },
};
