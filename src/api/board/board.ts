import type { Context, Middleware } from 'koa';
import { MINUTE, SECOND } from '../../shared/duration.ts';
import { HttpError } from '../../shared/errors.ts';
import { addressKey, clientAddressOf, isHttps } from '../../shared/http/client-address.ts';
import { createSecretCheck } from '../../shared/http/constant-time.ts';
import { loggedPath } from '../../shared/http/logged-path.ts';
import { readBody } from '../../shared/http/read-body.ts';
import type { WebDeps } from '../deps.ts';
import { answerErrors } from '../middleware/errors.ts';
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

/** Bull Board behind a login of its own. Without `BOARD_USER` and `BOARD_PASSWORD` there is none, and nothing to find. */
export function createBoard(deps: BoardDeps): Middleware {
  const { board } = deps.config;
  if (board === undefined) return (_ctx, next) => next();
  const handle = createHandler(board, deps);
  const catchErrors = answerErrors(deps.logger);
  return (ctx, next) => {
    if (ctx.path !== BOARD_PATH && !ctx.path.startsWith(`${BOARD_PATH}/`)) return next();
    setBoardHeaders(ctx);
    return catchErrors(ctx, () => handle(ctx));
  };
}

function createHandler(board: BoardConfig, deps: BoardDeps): (ctx: Context) => Promise<unknown> {
  const { queues, redis, config, logger } = deps;
  const { hops } = config.trustedProxies;
  const prefix = config.redis.queuePrefix;
  const lifeSeconds = (board.sessionMinutes * MINUTE) / SECOND;
  const sessions = new Sessions({ redis, prefix, lifeSeconds, credentials: board });
  const attempts = new LoginAttempts(redis, prefix);
  const isUser = createSecretCheck([board.user]);
  const isPassword = createSecretCheck([board.password]);
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
    if (!(await throughRedis(() => sessions.isRunning(sessionTokenOf(ctx.req))))) return turnAway(ctx);
    if (ctx.path === LOGOUT_PATH) return ctx.method === 'POST' ? logOut(ctx) : showLogout(ctx);
    if (isUnsafe(ctx.method)) {
      if (board.readOnly) throw readOnly();
      logger.info(
        { method: ctx.method, path: loggedPath(ctx.path), requestId: ctx.state.requestId },
        'Board action',
      );
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
    const address = addressKey(clientAddressOf(ctx.req, hops));
    const waitSeconds = await attempts.begin(address);
    if (waitSeconds !== undefined) {
      logger.warn({ address }, 'A login to the board was refused: too many attempts');
      ctx.set('retry-after', String(waitSeconds));
      return showLogin(ctx, 429, `Too many attempts. Wait ${Math.ceil(waitSeconds / 60)} min and try again.`);
    }
    const form = new URLSearchParams(
      (await readBody(ctx.req, { maxBytes: MAX_FORM_BYTES })).toString('utf8'),
    );
    // Both, always: an answer that comes sooner for a wrong user would tell which users there are.
    const matches = [isUser(form.get('user') ?? ''), isPassword(form.get('password') ?? '')];
    if (matches.includes(false)) {
      logger.warn({ address }, 'A login to the board failed');
      return showLogin(ctx, 401, 'User or password is wrong.');
    }
    const token = await throughRedis(async () => {
      await attempts.succeeded(address);
      // A token from before the login is worth nothing after it.
      await sessions.end(sessionTokenOf(ctx.req));
      return sessions.begin();
    });
    logger.info({ address }, 'Somebody logged in to the board');
    setCookie(ctx, token);
    goTo(ctx, BOARD_PATH);
  }

  async function logOut(ctx: Context): Promise<void> {
    await throughRedis(() => sessions.end(sessionTokenOf(ctx.req)));
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
