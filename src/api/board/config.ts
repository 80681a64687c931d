import { z } from 'zod';
import { flag, list, wholeNumber } from '../../shared/config/index.ts';

const MAX_LENGTH = 200;
const MIN_PASSWORD = 12;
const TOO_LONG = `must have at most ${MAX_LENGTH} characters`;
const TOO_SHORT = `must have at least ${MIN_PASSWORD} characters`;

/** Somebody who may log in to the board. */
export type Account = { readonly user: string; readonly password: string };

/** Without `BOARD_USERS`, and without both of `BOARD_USER` and `BOARD_PASSWORD`, there is no board. */
export const board = z
  .object({
    BOARD_USERS: list().optional(),
    BOARD_USER: z.string().max(MAX_LENGTH, TOO_LONG).optional(),
    BOARD_PASSWORD: z.string().min(MIN_PASSWORD, TOO_SHORT).max(MAX_LENGTH, TOO_LONG).optional(),
    BOARD_SESSION_MINUTES: wholeNumber(60, 1, 720),
    BOARD_COOKIE_SECURE: flag(false),
    ADMIN_READ_ONLY: flag(false),
  })
  .transform((env, context) => {
    const refuse = (variable: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [variable], message });
    const { BOARD_USER: user, BOARD_PASSWORD: password } = env;
    if ((user === undefined) !== (password === undefined)) {
      refuse(
        user === undefined ? 'BOARD_USER' : 'BOARD_PASSWORD',
        'is missing: the board needs a user and a password',
      );
      return z.NEVER;
    }
    const listed = (env.BOARD_USERS ?? []).map(accountIn);
    const problem = problemOf(listed);
    if (problem !== undefined) {
      refuse('BOARD_USERS', problem);
      return z.NEVER;
    }
    const accounts = [
      ...listed,
      ...(user === undefined || password === undefined ? [] : [{ user, password }]),
    ];
    if (new Set(accounts.map((account) => account.user)).size < accounts.length) {
      refuse('BOARD_USERS', 'must name everybody once, BOARD_USER included');
      return z.NEVER;
    }
    if (accounts.length === 0) return undefined;
    return {
      accounts,
      /** How long a login lasts, used or not. */
      sessionMinutes: env.BOARD_SESSION_MINUTES,
      /** Whether the cookie is always marked `Secure`, and not only when a trusted proxy says https. */
      cookieSecure: env.BOARD_COOKIE_SECURE,
      /** Looking only: nothing can be retried or promoted. */
      readOnly: env.ADMIN_READ_ONLY,
    };
  });

export type BoardConfig = NonNullable<z.output<typeof board>>;

/** `name:password`; a password may have colons in it. */
function accountIn(entry: string): Account {
  const colon = entry.indexOf(':');
  return { user: entry.slice(0, Math.max(colon, 0)), password: entry.slice(colon + 1) };
}

/** Says nothing of what was given: part of it is a password. */
function problemOf(accounts: readonly Account[]): string | undefined {
  if (accounts.some(({ user }) => user === '')) return 'must be name:password, several comma-separated';
  if (accounts.some(({ password }) => password.length < MIN_PASSWORD)) {
    return `must have passwords of at least ${MIN_PASSWORD} characters`;
  }
  const isTooLong = ({ user, password }: Account): boolean =>
    user.length > MAX_LENGTH || password.length > MAX_LENGTH;
  return accounts.some(isTooLong)
    ? `must have names and passwords of at most ${MAX_LENGTH} characters`
    : undefined;
}
