type Fields = Record<string, unknown>;

/** The object as it would travel: later changes to the original do not show in it. */
export function snapshot<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/**
 * What Stripe calls `previous_attributes`: the old values of what changed,
 * only the changed keys of a hash, but arrays whole.
 */
export function previousAttributes(before: object, after: object): Fields {
  const previous: Fields = {};
  const old = before as Fields;
  const young = after as Fields;
  for (const key of new Set([...Object.keys(old), ...Object.keys(young)])) {
    if (JSON.stringify(old[key]) === JSON.stringify(young[key])) continue;
    const was = old[key];
    const is = young[key];
    previous[key] = isHash(was) && isHash(is) ? previousAttributes(was, is) : (was ?? null);
  }
  return previous;
}

function isHash(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
