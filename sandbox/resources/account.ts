import { z } from 'zod';
import { type Route, route } from '../http/router.ts';

/** The one account of the sandbox; only what callers check at start. */
const ACCOUNT = {
  id: 'acct_1SandboxMatcha',
  object: 'account',
  business_type: 'company',
  charges_enabled: true,
  country: 'FR',
  default_currency: 'eur',
  details_submitted: true,
  email: 'paiements@matcha.test',
  payouts_enabled: true,
  settings: { dashboard: { display_name: 'Matcha', timezone: 'Europe/Paris' } },
  type: 'standard',
};

export const accountRoutes: Route[] = [route('GET', '/v1/account', z.strictObject({}), () => ACCOUNT)];
