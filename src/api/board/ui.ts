import { createBullBoard } from '@bull-board/api';
import { KoaAdapter } from '@bull-board/koa';
import type { Middleware } from 'koa';
import type { QueueName, QueueOf } from '../../shared/queues/index.ts';
import { SafeQueue } from './safe-queue.ts';

/**
 * What the board can do, of the thirty-odd routes it brings. Looking; and running a job again, or earlier than
 * planned. Not: adding or editing jobs (that would be inventing an event), removing them (a job's id is the first
 * filter against duplicates, and what failed is evidence), pausing (a queue that stands still and says nothing).
 */
const LOOKING = [
  'get /api/redis/stats',
  'get /api/queues',
  'get /api/job-schedulers',
  'get /api/queues/:queueName/metrics',
  'get /api/queues/:queueName/default-job-options',
  'get /api/queues/:queueName/workers',
  'get /api/queues/:queueName/rate-limit',
  'get /api/queues/:queueName/job-data-schema',
  'get /api/queues/:queueName/:jobId',
  'get /api/queues/:queueName/:jobId/logs',
  'get /api/queues/:queueName/:jobId/flow',
];
const ACTING = [
  'put /api/queues/:queueName/retry/:queueStatus',
  'put /api/queues/:queueName/promote',
  'put /api/queues/:queueName/:jobId/retry',
  'put /api/queues/:queueName/:jobId/promote',
];

/** The page asks another site for its fonts; the policy would refuse them, and operators are nobody else's business. */
const WEB_FONTS = /<link [^>]*fonts\.googleapis\.com[^>]*>/g;

type ApiRoutes = Parameters<KoaAdapter['setApiRoutes']>[0];
type ErrorHandler = Parameters<KoaAdapter['setErrorHandler']>[0];

/** Bull Board's own adapter, with only the routes above. */
class LimitedAdapter extends KoaAdapter {
  readonly #allowed: ReadonlySet<string>;

  constructor(allowed: readonly string[]) {
    super();
    this.#allowed = new Set(allowed);
  }

  override setApiRoutes(routes: ApiRoutes): KoaAdapter {
    const named = routes.map((route) => ({ route, name: `${route.method} ${route.route}` }));
    const missing = [...this.#allowed].filter((name) => !named.some((known) => known.name === name));
    if (missing.length > 0) throw new Error(`Bull Board has no ${missing.join(', ')} any more`);
    return super.setApiRoutes(named.filter(({ name }) => this.#allowed.has(name)).map(({ route }) => route));
  }

  override setErrorHandler(handler: ErrorHandler): this {
    return super.setErrorHandler((error) => {
      const answer = handler(error);
      // What Redis or BullMQ say names addresses and keys; the log has it.
      const body = typeof answer.body === 'object' ? { error: answer.body.error } : {};
      return { ...answer, body: { ...body, message: 'This did not work: see the log of the web process' } };
    });
  }
}

export type BoardQueues = readonly QueueOf<QueueName>[];

/** Bull Board below a path. Whoever reaches it is let in: the guard stands before it. */
export function createBoardUi(options: {
  basePath: string;
  logoutPath: string;
  queues: BoardQueues;
  readOnly: boolean;
}): Middleware {
  const { basePath, logoutPath, queues, readOnly } = options;
  const adapter = new LimitedAdapter(readOnly ? LOOKING : [...LOOKING, ...ACTING]);
  adapter.setBasePath(basePath);
  createBullBoard({
    queues: queues.map((queue) => new SafeQueue(queue, { readOnlyMode: readOnly })),
    serverAdapter: adapter,
    options: {
      uiConfig: {
        boardTitle: readOnly ? 'Matcha payments (read only)' : 'Matcha payments',
        hideDocsLink: true,
        miscLinks: [{ text: 'Log out', url: logoutPath }],
      },
    },
  });
  const plugin = adapter.registerPlugin() as Middleware;
  return async (ctx, next) => {
    await plugin(ctx, next);
    if (typeof ctx.body === 'string' && ctx.response.is('html')) ctx.body = ctx.body.replace(WEB_FONTS, '');
  };
}
