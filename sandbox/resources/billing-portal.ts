import type Stripe from 'stripe';
import { z } from 'zod';
import { ignored, text } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import { findCustomer } from './find.ts';

const create = z.strictObject({
  customer: text,
  return_url: z.url({ error: 'Not a valid URL' }).optional(),
  configuration: ignored.optional(),
  flow_data: ignored.optional(),
  locale: ignored.optional(),
});

export const billingPortalRoutes: Route[] = [
  route('POST', '/v1/billing_portal/sessions', create, (params, { world }) => {
    const customer = findCustomer(world, params.customer, 'customer');
    const id = world.ids.next('bps');
    const session: Stripe.BillingPortal.Session = {
      id,
      object: 'billing_portal.session',
      configuration: 'bpc_1SandboxDefault',
      created: world.clock.now,
      customer: customer.id,
      customer_account: null,
      flow: null,
      livemode: false,
      locale: null,
      on_behalf_of: null,
      return_url: params.return_url ?? null,
      url: `${world.baseUrl}/p/session/${id}`,
    };
    return world.tables.portalSessions.insert(session);
  }),
];
