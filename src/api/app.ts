import type { RequestListener } from 'node:http';
import { Router } from '@koa/router';
import Koa from 'koa';
import helmet from 'koa-helmet';
import { createCheckout } from './checkout/index.ts';
import type { WebDeps } from './deps.ts';
import { logRequests } from './middleware/access-log.ts';
import { allowOrigins } from './middleware/cors.ts';
import { answerErrors, answerUnmatched } from './middleware/errors.ts';
import { assignRequestId } from './middleware/request-id.ts';
import { requireAdmin } from './middleware/require-admin.ts';
import { requireUser } from './middleware/require-user.ts';
import { addAdminCustomerRoutes } from './routes/admin-customers.ts';
import { addAdminEventRoutes } from './routes/admin-events.ts';
import { addAdminSyncRoutes } from './routes/admin-sync.ts';
import { addCheckoutRoutes } from './routes/checkout.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addPaymentRoutes } from './routes/payment.ts';
import { addSubscriptionRoutes } from './routes/subscription.ts';
import { createWebhookIntake, isWebhookPath } from './webhooks/index.ts';

/** The whole HTTP surface. Starts nothing: the caller owns `deps` and listens. */
export function createApp(deps: WebDeps): RequestListener {
  const intake = createWebhookIntake(deps);
  const rest = createRoutes(deps).callback();
  // Stripe's events are most of the traffic and need none of what the other routes need.
  return (request, response) => void (isWebhookPath(request.url) ? intake : rest)(request, response);
}

function createRoutes(deps: WebDeps): Koa {
  const router = new Router({ sensitive: true });
  const user = requireUser(deps);
  const admin = requireAdmin(deps.config.adminKey);
  const checkout = createCheckout(deps);
  addHealthRoutes(router, deps);
  addCheckoutRoutes(router, { ...deps, checkout });
  addSubscriptionRoutes(router, { ...deps, checkout, user });
  addPaymentRoutes(router, { ...deps, user });
  addAdminEventRoutes(router, { ...deps, admin });
  addAdminSyncRoutes(router, { ...deps, admin });
  addAdminCustomerRoutes(router, { ...deps, admin });

  const app = new Koa();
  // Only a broken connection or a mistake in our own middleware comes this far.
  app.on('error', (error) => deps.logger.warn({ err: error }, 'Could not answer a request'));
  app.use(assignRequestId());
  app.use(logRequests(deps.logger));
  app.use(helmet());
  app.use(allowOrigins(deps.config.origins));
  app.use(answerErrors(deps.logger));
  app.use(answerUnmatched());
  app.use(router.routes());
  app.use(router.allowedMethods());
  return app;
}
