import type { Context } from 'koa';

/** Answers a request in the envelope that all routes share. `message` is for users, in French. */
export function answer(ctx: Pick<Context, 'body'>, data: unknown, message?: string): void {
  ctx.body = message === undefined ? { success: true, data } : { success: true, data, message };
}

/** A moment as the API writes it: RFC 3339, UTC. */
export function timestamp(moment: Date | null | undefined): string | null {
  return moment?.toISOString() ?? null;
}
