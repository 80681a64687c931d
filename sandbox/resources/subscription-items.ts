import { z } from 'zod';
import { pageOf } from '../http/lists.ts';
import { paging, text } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import { findSubscription } from './find.ts';

export const subscriptionItemRoutes: Route[] = [
  route(
    'GET',
    '/v1/subscription_items',
    z.strictObject({ ...paging, subscription: text }),
    (params, { world }) =>
      pageOf(
        '/v1/subscription_items',
        findSubscription(world, params.subscription, 'subscription').items.data,
        params,
      ),
  ),
];
