import type { Schema } from './types.ts';

/** An object with exactly these fields; those named in `optional` may be missing. */
export function object(properties: Record<string, Schema>, optional: readonly string[] = []): Schema {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
    additionalProperties: false,
  };
}

export const list = (items: Schema): Schema => ({ type: 'array', items });

/** A field that may be null. */
export const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });

export const text = (description?: string): Schema => ({
  type: 'string',
  ...(description ? { description } : {}),
});
export const yesNo = (description?: string): Schema => ({
  type: 'boolean',
  ...(description ? { description } : {}),
});
export const count: Schema = { type: 'integer', minimum: 0 };
export const word = (...values: string[]): Schema => ({ type: 'string', enum: values });
export const time: Schema = { type: 'string', format: 'date-time', description: 'RFC 3339, UTC' };
export const link: Schema = { type: 'string', format: 'uri' };
export const id = (prefix: string): Schema => ({ type: 'string', pattern: `^${prefix}\\w+$` });
export const amount: Schema = { type: 'number', description: 'in major units of its currency (9.99)' };
export const currency: Schema = {
  type: 'string',
  pattern: '^[a-z]{3}$',
  description: 'ISO 4217, lower case',
};
export const userId: Schema = { type: 'integer', minimum: 1, maximum: 2_147_483_647 };
export const plan = word('mensuel', 'annuel');

/** What every successful JSON answer is wrapped in. */
export function envelope(data: Schema, message?: Schema): Schema {
  return object({ success: { const: true }, data, ...(message ? { message } : {}) });
}

/**
 * What every failure is.
 * @param data what may come with one of the codes
 */
export function failureOf(codes: readonly string[], data: readonly Schema[] = []): Schema {
  return object(
    {
      success: { const: false },
      error: text('for developers, in English: what is wrong and what to do'),
      code: word(...codes),
      ...(data.length > 0 ? { data: { anyOf: data } } : {}),
    },
    ['data'],
  );
}
