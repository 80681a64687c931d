import { z } from 'zod';
import { object } from './schemas.ts';
import type { Operation, Parameter, Response, Schema } from './types.ts';

/** A successful JSON answer. */
export function answers(description: string, schema: Schema): Record<string, Response> {
  return { 200: { description, content: { 'application/json': { schema } } } };
}

/** A JSON body as its route checks it: the route's own shape. */
export function jsonBody(shape: z.ZodType, required: boolean): NonNullable<Operation['requestBody']> {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { io: 'input' });
  return { required, content: { 'application/json': { schema } } };
}

export function queryParameter(name: string, schema: Schema, description: string): Parameter {
  return { name, in: 'query', required: false, description, schema };
}

/** Which part of a list is asked for. */
export function pageParameters(defaultLimit: number): Parameter[] {
  return [
    queryParameter(
      'limit',
      { type: 'integer', minimum: 1, maximum: 100, default: defaultLimit },
      'how many at most',
    ),
    queryParameter('offset', { type: 'integer', minimum: 0, default: 0 }, 'how many to leave out'),
  ];
}

/** A page of a list. */
export function pageOf(name: string, items: Schema): Schema {
  return object({
    [name]: { type: 'array', items },
    limit: { type: 'integer' },
    offset: { type: 'integer' },
    total: { type: 'integer', minimum: 0 },
  });
}

export const FOR_USER: Record<string, string[]>[] = [{ login: [], user: [] }, { bearer: [] }];
export const FOR_OPERATOR = [{ internalKey: [] }];
