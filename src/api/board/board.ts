import { setTimeout as sleep } from 'node:timers/promises';
import type { Context, Middleware } from 'koa';
import { MINUTE, SECOND } from '../../shared/duration.ts';
import { HttpError } from '../../shared/errors.ts';
import { addressKey, isHttps } from '../../shared/http/client-address.ts';
import { loggedPath } from '../../shared/http/logged-path.ts';
import { readBody } from '../../shared/http/read-body.ts';
import { createSampledWarning } from '../../shared/sampled-warnings.ts';
import type { WebDeps } from '../deps.ts';
import { answerErrors } from '../middleware/errors.ts';
import { pageHeaders } from '../middleware/page-headers.ts';
import { Accounts } from './accounts.ts';
import type { BoardConfig } from './config.ts';
import { sessionCookie, sessionTokenOf } from './cookie.ts';
import { pagePolicy, setBoardHeaders } from './headers.ts';
import { LoginAttempts } from './login-attempts.ts';
import { loginPage, logoutPage, STYLE_HASH } from './pages.ts';
import { isUnsafe, requireSameOrigin } from './same-origin.ts';
import { Sessions } from './sessions.ts';

export const BOARD_PATH = '/admin/queues';
const LOGIN_PATH = `${BOARD_PATH}/login`;
const LOGOUT_PATH = `${BOARD_PATH}/logout`;
const MAX_FORM_BYTES = 4_096;

type BoardDeps = Pick<WebDeps, 'queues' | 'redis' | 'config' | 'logger'>;

/** Bull Board behind a login of its own. Without accounts there is none, and nothing to find. */
export function createBoard(deps: BoardDeps): Middleware {
  const { board } = deps.config;
  if (board === undefined) return (_ctx, next) => next();
  const handle = createHandler(board, deps);
  const catchErrors = answerErrors(deps.logger);
  const addPageHeaders = pageHeaders();
  return (ctx, next) => {
    if (ctx.path !== BOARD_PATH && !ctx.path.startsWith(`${BOARD_PATH}/`)) return next();
    return addPageHeaders(ctx, () => {
      setBoardHeaders(ctx);
      return catchErrors(ctx, () => handle(ctx));
    });
  };
}

function createHandler(board: BoardConfig, deps: BoardDeps): (ctx: Context) => Promise<unknown> {
  const { queues, redis, config, logger } = deps;
  const { hops } = config.trustedProxies;
  const prefix = config.redis.queuePrefix;
  const lifeSeconds = (board.sessionMinutes * MINUTE) / SECOND;
  const accounts = new Accounts(board.accounts);
  const sessions = new Sessions({ redis, prefix, lifeSeconds, accounts: board.accounts });
  const attempts = new LoginAttempts(redis, prefix);
  const warn = createSampledWarning(logger);
  let ui: Promise<Middleware> | undefined;
  const openUi = async (): Promise<Middleware> => {
    // Only for an operator who comes: it is several megabytes that every web process would keep.
    const { createBoardUi } = await import('./ui.ts');
    return createBoardUi({
      basePath: BOARD_PATH,
      logoutPath: LOGOUT_PATH,
      queues: [queues.stripeEvents, queues.notifications, queues.maintenance],
      readOnly: board.readOnly,
    });
  };

  return async (ctx) => {
    if (isUnsafe(ctx.method)) requireSameOrigin(ctx);
    if (ctx.path === LOGIN_PATH) return ctx.method === 'POST' ? logIn(ctx) : showLogin(ctx, 200);
    const user = await throughRedis(() => sessions.userOf(sessionTokenOf(ctx.req)));
    if (user === undefined) return turnAway(ctx);
    if (ctx.path === LOGOUT_PATH) return ctx.method === 'POST' ? logOut(ctx, user) : showLogout(ctx);
    if (isUnsafe(ctx.method)) {
      if (board.readOnly) throw readOnly();
      const { method, path } = ctx;
      logger.info({ user, method, path: loggedPath(path), requestId: ctx.state.requestId }, 'Board action');
    }
    // What the board does not have ends here: behind it are the routes of the API.
    ui ??= openUi();
    await (await ui)(ctx, async () => undefined);
    if (ctx.status < 400 || (ctx.body !== undefined && ctx.body !== null)) return;
    throw isUnsafe(ctx.method)
      ? notForBoard()
      : HttpError.notFound('route_not_found', 'The board has no such page');
  };

  async function logIn(ctx: Context): Promise<void> {
    const form = new URLSearchParams(
      (await readBody(ctx.req, { maxBytes: MAX_FORM_BYTES })).toString('utf8'),
    );
    const typed = form.get('user') ?? '';
    // Of who is connected: behind a proxy they share it, but nobody can write it.
    const address = addressKey(ctx.req.socket.remoteAddress ?? 'unknown');
    const { waitMs, counted } = await throughRedis(() => attempts.begin(address, typed));
    if (!counted) {
      const seconds = Math.ceil(waitMs / SECOND);
      ctx.set('retry-after', String(seconds));
      return showLogin(ctx, 429, `Too many attempts. Wait ${seconds} s and try again.`);
    }
    await sleep(waitMs);
    const user = accounts.find(typed, form.get('password') ?? '');
    if (user === undefined) {
      const known = accounts.has(typed) ? typed : undefined;
      warn(known ?? '', { address, user: known }, 'A login to the board failed');
      return showLogin(ctx, 401, 'User or password is wrong.');
    }
    const token = await throughRedis(async () => {
      await attempts.succeeded(address, user);
      // A token from before the login is worth nothing after it.
      await sessions.end(sessionTokenOf(ctx.req));
      return sessions.begin(user);
    });
    logger.info({ address, user }, 'Somebody logged in to the board');
    setCookie(ctx, token);
    goTo(ctx, BOARD_PATH);
  }

  async function logOut(ctx: Context, user: string): Promise<void> {
    await throughRedis(() => sessions.end(sessionTokenOf(ctx.req)));
    logger.info({ user }, 'Somebody logged out of the board');
    setCookie(ctx, undefined);
    goTo(ctx, LOGIN_PATH);
  }

  function setCookie(ctx: Context, token: string | undefined): void {
    const secure = board.cookieSecure || isHttps(ctx.req, hops);
    ctx.set('set-cookie', sessionCookie(token, { path: BOARD_PATH, lifeSeconds, secure }));
  }
}

function showLogin(ctx: Context, status: number, problem?: string): void {
  showPage(ctx, status, loginPage(LOGIN_PATH, problem));
}

function showLogout(ctx: Context): void {
  showPage(ctx, 200, logoutPage(LOGOUT_PATH, BOARD_PATH));
}

function showPage(ctx: Context, status: number, html: string): void {
  setBoardHeaders(ctx, pagePolicy(STYLE_HASH));
  ctx.status = status;
  ctx.type = 'html';
  ctx.body = html;
}

/** A page leads to the login; the board's own calls and files are refused, and its page then reloads. */
function turnAway(ctx: Context): void {
  if (isUnsafe(ctx.method) || /^\/admin\/queues\/(?:api|static)\//.test(ctx.path)) {
    throw HttpError.unauthorized(`Log in at ${LOGIN_PATH} first`);
  }
  goTo(ctx, LOGIN_PATH);
}

/** 303: whatever the method was, the next one is GET. */
function goTo(ctx: Context, path: string): void {
  ctx.status = 303;
  ctx.set('location', path);
  ctx.type = 'text/plain';
  ctx.body = `See ${path}`;
}

async function throughRedis<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw HttpError.unavailable(
      'board_unavailable',
      'Redis does not answer, and the board lives there',
      5,
      error,
    );
  }
}

function readOnly(): HttpError {
  return new HttpError(403, 'read_only', 'This board only shows: ADMIN_READ_ONLY is set');
}

function notForBoard(): HttpError {
  return new HttpError(403, 'not_for_board', 'This board retries and promotes jobs, and does nothing else');
}
