import { z } from 'zod';
import { livemode, readShape, requiredMoment } from './shapes.ts';

/** The envelope every snapshot event has. */
export type EventFacts = {
  id: string;
  type: string;
  /** Whole seconds: two events of one second have no order. */
  created: Date;
  livemode: boolean;
  apiVersion: string | null;
  object: unknown;
};

const shape = z.object({
  object: z.literal('event'),
  id: z.string(),
  type: z.string(),
  created: requiredMoment,
  livemode,
  api_version: z.string().nullish(),
  // Behind a function: it is large, and its own reader looks at it.
  data: z.object({ object: z.unknown() }).transform(
    ({ object }) =>
      () =>
        object,
  ),
});

/** @throws PermanentError on a shape that no known version has */
export function readEvent(payload: unknown): EventFacts {
  const raw = readShape(shape, 'event', payload);
  return {
    id: raw.id,
    type: raw.type,
    created: raw.created,
    livemode: raw.livemode,
    apiVersion: raw.api_version ?? null,
    object: raw.data(),
  };
}
