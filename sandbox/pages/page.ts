import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Deliveries } from '../deliveries/deliveries.ts';
import type { World } from '../world.ts';

/** One visit of a hosted page. */
export interface Visit {
  world: World;
  deliveries: Deliveries;
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  body: string;
}

export function showPage({ response }: Visit, page: string, status = 200): void {
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  });
  response.end(page);
}

/** 303: the browser goes on with a GET, and reloading does not post again. */
export function redirect({ response }: Visit, location: string): void {
  response.writeHead(303, { Location: location, 'Cache-Control': 'no-store' });
  response.end();
}

/** The fields of a posted form. */
export function formOf({ body }: Visit): URLSearchParams {
  return new URLSearchParams(body);
}
