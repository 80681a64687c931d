import { Router } from '@koa/router';
import Koa from 'koa';
import { requireReadableTarget } from '../shared/http/readable-target.ts';
import { assignRequestId } from '../shared/http/request-id.ts';
import { createBoard } from './board/index.ts';
import { createCheckout } from './checkout/index.ts';
import type { WebDeps } from './deps.ts';
import { createCostlyCalls } from './limits/index.ts';
import { logRequests } from './middleware/access-log.ts';
import { allowOrigins } from './middleware/cors.ts';
import { answerErrors, answerUnmatched } from './middleware/errors.ts';
import { neverCached } from './middleware/never-cached.ts';
import { neverGuessed } from './middleware/never-guessed.ts';
import { observeRequests, observeWebhooks } from './middleware/observe.ts';
import { requireAdmin } from './middleware/require-admin.ts';
import { requireUser } from './middleware/require-user.ts';
import { addAdminCustomerRoutes } from './routes/admin-customers.ts';
import { addAdminEventRoutes } from './routes/admin-events.ts';
import { addAdminSyncRoutes } from './routes/admin-sync.ts';
import { addCheckoutRoutes } from './routes/checkout.ts';
import { addDescriptionRoute } from './routes/description.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addNotificationRoutes } from './routes/notifications.ts';
import { addPaymentRoutes } from './routes/payment.ts';
import { addSubscriptionRoutes } from './routes/subscription.ts';
import type { Answerer } from './server.ts';
import { createWebhookIntake, isWebhookPath } from './webhooks/index.ts';

/** The whole HTTP surface. Starts nothing: the caller owns `deps` and listens. */
export function createApp(deps: WebDeps): Answerer {
  const intake = observeWebhooks(createWebhookIntake(deps));
  const rest = createRoutes(deps).callback();
  // Stripe's events are most of the traffic and need none of what the other routes need.
  return (request, response) => (isWebhookPath(request.url) ? intake : rest)(request, response);
}

/** Every route but Stripe's, which has a way of its own, and the board's. */
export function createRouter(deps: WebDeps): Router {
  const router = new Router({ sensitive: true });
  const user = requireUser(deps);
  const admin = requireAdmin(deps.config.adminKeys);
  const checkout = createCheckout(deps);
  const limits = createCostlyCalls(deps);
  addHealthRoutes(router, deps);
  addCheckoutRoutes(router, { ...deps, checkout, limits });
  addSubscriptionRoutes(router, { ...deps, checkout, user, limits });
  addPaymentRoutes(router, { ...deps, user });
  addNotificationRoutes(router, { ...deps, user });
  addAdminEventRoutes(router, { ...deps, admin });
  addAdminSyncRoutes(router, { ...deps, admin });
  addAdminCustomerRoutes(router, { ...deps, admin });
  addDescriptionRoute(router);
  return router;
}

function createRoutes(deps: WebDeps): Koa {
  const router = createRouter(deps);
  const app = new Koa();
  // Only a broken connection or a mistake in our own middleware comes this far.
  app.on('error', (error) => deps.logger.warn({ err: error }, 'Could not answer a request'));
  app.use(assignRequestId());
  app.use(requireReadableTarget());
  app.use(observeRequests(deps.config.adminKeys));
  app.use(logRequests(deps.logger));
  app.use(neverGuessed());
  app.use(neverCached());
  // Before CORS: the board is for its own pages only, whatever origin the API allows.
  app.use(createBoard(deps));
  // Behind a gateway that adds its own, ours would come beside them, and browsers refuse an answer that has two.
  if (deps.config.cors) app.use(allowOrigins(deps.config.origins));
  app.use(answerErrors(deps.logger));
  app.use(answerUnmatched());
  app.use(router.routes());
  app.use(router.allowedMethods());
  return app;
}
