import { z } from 'zod';
import { pageOf, where } from '../http/lists.ts';
import { isWithin, paging, text, times } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import { found } from './find.ts';

export const disputeRoutes: Route[] = [
  route(
    'GET',
    '/v1/disputes',
    z.strictObject({
      ...paging,
      charge: text.optional(),
      created: times.optional(),
      payment_intent: text.optional(),
    }),
    (params, { world }) =>
      pageOf(
        '/v1/disputes',
        where(
          world.tables.disputes.newest(),
          (dispute) =>
            isWithin(dispute.created, params.created) &&
            (params.charge === undefined || dispute.charge === params.charge) &&
            (params.payment_intent === undefined || dispute.payment_intent === params.payment_intent),
        ),
        params,
      ),
  ),
  route('GET', '/v1/disputes/:id', z.strictObject({}), (_params, { world, id }) =>
    found(world.tables.disputes.get(id), 'dispute', id),
  ),
];
