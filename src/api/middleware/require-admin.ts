import type { Middleware } from 'koa';
import { HttpError } from '../../shared/errors.ts';
import { requireInternalKey } from '../../shared/http/internal-key.ts';

/** Lets in who knows one of `INTERNAL_API_KEY`; without any configured nobody comes in. */
export function requireAdmin(accepted: readonly string[]): Middleware {
  return accepted.length === 0 ? refuseEverybody : requireInternalKey(accepted, 'this installation');
}

function refuseEverybody(): never {
  throw new HttpError(503, 'admin_disabled', 'Admin routes are off: set INTERNAL_API_KEY and restart');
}
