import { z } from 'zod';
import { metadata, readShape } from './shapes.ts';

/** What is true of a customer. A `customer.deleted` event carries the full object without a `deleted` flag. */
export type CustomerFacts = {
  id: string;
  email: string | null;
  deleted: boolean;
  metadata: Record<string, string>;
};

const shape = z.object({
  object: z.literal('customer'),
  id: z.string(),
  email: z.string().nullish(),
  deleted: z.boolean().nullish(),
  metadata,
});

/** @throws PermanentError on a shape that no known version has */
export function readCustomer(object: unknown): CustomerFacts {
  const raw = readShape(shape, 'customer', object);
  return { id: raw.id, email: raw.email ?? null, deleted: raw.deleted ?? false, metadata: raw.metadata };
}
