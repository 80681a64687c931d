import { object, word, yesNo } from '../schemas.ts';
import type { Paths, Response, Schema } from '../types.ts';

const SERVICE: Schema = { const: 'paiements-service' };

function json(description: string, schema: Schema): Response {
  return { description, content: { 'application/json': { schema } } };
}

const health = object({
  status: word('healthy', 'unhealthy'),
  service: SERVICE,
  database: word('connected', 'disconnected'),
  redis: word('connected', 'disconnected'),
});

const readiness = object({
  ready: yesNo(),
  checks: object({ database: yesNo(), redis: yesNo(), stripe_config: yesNo() }),
});

export const healthPaths: Paths = {
  '/health': {
    get: {
      operationId: 'getHealth',
      tags: ['health'],
      summary: 'Whether everything we need answers',
      security: [],
      responses: { 200: json('All of it', health), 503: json('Not all of it', health) },
    },
  },
  '/health/ready': {
    get: {
      operationId: 'getReadiness',
      tags: ['health'],
      summary: 'Whether to send traffic here; really writes to Redis',
      security: [],
      responses: { 200: json('Yes', readiness), 503: json('No', readiness) },
    },
  },
  '/health/live': {
    get: {
      operationId: 'getLiveness',
      tags: ['health'],
      summary: 'Whether the process runs; never depends on anything else',
      security: [],
      responses: { 200: json('Always', object({ alive: { const: true }, service: SERVICE })) },
    },
  },
};
