import { z } from 'zod';
import { flag, wholeNumber } from '../../shared/config/index.ts';

/** Without both of `BOARD_USER` and `BOARD_PASSWORD` there is no board. */
export const board = z
  .object({
    BOARD_USER: z.string().max(200, 'must have at most 200 characters').optional(),
    BOARD_PASSWORD: z
      .string()
      .min(12, 'must have at least 12 characters')
      .max(200, 'must have at most 200 characters')
      .optional(),
    BOARD_SESSION_MINUTES: wholeNumber(60, 1, 720),
    BOARD_COOKIE_SECURE: flag(false),
    ADMIN_READ_ONLY: flag(false),
  })
  .transform((env, context) => {
    const { BOARD_USER: user, BOARD_PASSWORD: password } = env;
    if (user === undefined && password === undefined) return undefined;
    if (user === undefined || password === undefined) {
      const missing = user === undefined ? 'BOARD_USER' : 'BOARD_PASSWORD';
      context.addIssue({
        code: 'custom',
        path: [missing],
        message: 'is missing: the board needs a user and a password',
      });
      return z.NEVER;
    }
    return {
      user,
      password,
      /** How long a login lasts, used or not. */
      sessionMinutes: env.BOARD_SESSION_MINUTES,
      /** Whether the cookie is always marked `Secure`, and not only when a trusted proxy says https. */
      cookieSecure: env.BOARD_COOKIE_SECURE,
      /** Looking only: nothing can be retried or promoted. */
      readOnly: env.ADMIN_READ_ONLY,
    };
  });

export type BoardConfig = NonNullable<z.output<typeof board>>;
