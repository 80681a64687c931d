import { z } from 'zod';
import type { ConfigPart, Environment } from './read.ts';

/** Variables whose value nobody else may know, or that may hold such a value. */
const SECRET = /(?:SECRET|PASSWORD|KEY|TOKEN|_URL)$/;
/** What .env.example, docker-compose.dev.yml and deploy/ put where a secret belongs: everybody has read it. */
const PUBLISHED = /placeholder|change[-_ ]?me|^password$/i;
const LIVE_KEY = /^(?:sk|rk)_live_/;
/** Where a live key or a buyer would go unprotected. */
const HTTPS_WITH_LIVE_KEY = ['STRIPE_API_BASE', 'STRIPE_SUCCESS_URL', 'STRIPE_CANCEL_URL'];

/**
 * What only a demo may have. It is one no longer with `NODE_ENV=production`, or with a key that moves real money.
 * @param given without blank values
 * @returns what is wrong with the variables that the parts ask for, never their values
 */
export function demoOnly(parts: readonly ConfigPart[], given: Environment): string[] {
  const live = LIVE_KEY.test(given.STRIPE_SECRET_KEY ?? '');
  if (!live && given.NODE_ENV !== 'production') return [];
  return [...new Set(parts.flatMap(variablesOf))].flatMap((name) => {
    const value = given[name] ?? '';
    if (SECRET.test(name) && PUBLISHED.test(value)) {
      return `${name} is a published placeholder: give it a value of its own, or unset NODE_ENV=production for a demo`;
    }
    if (live && HTTPS_WITH_LIVE_KEY.includes(name) && /^http:/i.test(value)) {
      return `${name} must be https with a live key`;
    }
    return [];
  });
}

/** The variables that a part reads. */
function variablesOf(part: ConfigPart): string[] {
  let schema: unknown = part;
  while (schema instanceof z.ZodPipe) schema = schema.in;
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}
