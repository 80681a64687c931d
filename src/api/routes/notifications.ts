import type { Router } from '@koa/router';
import type { Middleware } from 'koa';
import { z } from 'zod';
import { announcedData } from '../../shared/announced-data.ts';
import { OutboxMessage } from '../../shared/entities/index.ts';
import type { WebDeps } from '../deps.ts';
import { answer, timestamp } from '../envelope.ts';
import { decimal, readQuery } from '../request-values.ts';

type NotificationDeps = Pick<WebDeps, 'orm'> & { user: Middleware };

const sinceQuery = z.object({ after: decimal(0, 0, 9_999_999_999), limit: decimal(20, 1, 100) });

/**
 * What a user was told, for a browser that was not there: the gateway drops what it has for nobody. Also what is still
 * on its way; not what was noted silently, which nobody was ever to hear.
 */
export function addNotificationRoutes(router: Router, { orm, user }: NotificationDeps): void {
  router.get('/api/stripe/notifications', user, async (ctx) => {
    const { after, limit } = readQuery(ctx, sinceQuery);
    const messages = await orm.em
      .fork()
      .find(
        OutboxMessage,
        { userId: ctx.state.userId, silent: false, id: { $gt: after } },
        { orderBy: { id: 'asc' }, limit },
      );
    answer(ctx, { notifications: messages.map(notificationView), last_id: messages.at(-1)?.id ?? after });
  });
}

/** As the browser would have heard it, and when it was written. */
function notificationView({ id, type, data, createdAt }: OutboxMessage) {
  return { id, type, data: announcedData(id, data), created_at: timestamp(createdAt) };
}
