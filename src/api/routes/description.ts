import type { Router } from '@koa/router';
import { openApi } from '../openapi/index.ts';

/** The description of all routes, for whoever generates a client or reads. Not in the envelope: tools expect it bare. */
export function addDescriptionRoute(router: Router): void {
  router.get('/api/openapi.json', (ctx) => {
    ctx.body = openApi;
  });
}
