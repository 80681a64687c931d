import { ApiError } from './errors.ts';

/** A request's parameters as they come: text, hashes and arrays of these. */
export interface FormHash {
  [key: string]: FormValue;
}
export type FormValue = string | FormHash | FormValue[];

const PART = /^([^[\]]*)((?:\[[^[\]]*\])*)$/;

/** Reads `a[b][0][c]=v`, the way Stripe's SDKs write nested parameters. */
export function parseForm(text: string): FormHash {
  const root: FormHash = {};
  for (const [key, value] of new URLSearchParams(text)) {
    const [, name, brackets = ''] = PART.exec(key) ?? [];
    if (!name) throw ApiError.invalid(`Invalid parameter name: ${key}`, key);
    const path = [name, ...brackets.slice(1, -1).split('][')].slice(0, brackets ? undefined : 1);
    put(root, path, value);
  }
  return arrays(root) as FormHash;
}

function put(root: FormHash, path: string[], value: string): void {
  let at = root;
  path.forEach((part, depth) => {
    const key = part === '' ? String(Object.keys(at).length) : part;
    if (key === '__proto__') throw ApiError.invalid('Invalid parameter name: __proto__');
    if (depth === path.length - 1) {
      at[key] = value;
      return;
    }
    const next = at[key];
    if (typeof next === 'object' && !Array.isArray(next)) {
      at = next;
      return;
    }
    const created: FormHash = {};
    at[key] = created;
    at = created;
  });
}

// Only after everything is read is it known whether keys 0, 1, 2… are all there is.
function arrays(value: FormValue): FormValue {
  if (typeof value === 'string' || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, arrays(inner)] as const);
  const isList = entries.length > 0 && entries.every(([key], index) => key === String(index));
  return isList ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}
