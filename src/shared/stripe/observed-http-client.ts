import Stripe from 'stripe';
import { SECOND } from '../duration.ts';
import { observeStripeRequest } from '../metrics/stripe.ts';
import { inSpan } from '../tracing/index.ts';

type HttpClient = ReturnType<typeof Stripe.createNodeHttpClient>;
type Request = Parameters<HttpClient['makeRequest']>;

/** The SDK's own client, each of whose requests is counted and timed, those that get no answer too. */
export function observedHttpClient(admit?: () => Promise<void>): HttpClient {
  const client = Stripe.createNodeHttpClient();
  return {
    getClientName: () => client.getClientName(),
    makeRequest: async (...request: Request) => {
      await admit?.();
      const [host, , path, method] = request;
      const attributes = { 'server.address': host, 'http.request.method': method };
      return inSpan(`stripe ${method}`, { kind: 'client', attributes }, async () => {
        const startedAt = performance.now();
        const seconds = (): number => (performance.now() - startedAt) / SECOND;
        try {
          const response = await client.makeRequest(...request);
          observeStripeRequest(method, path, response.getStatusCode(), seconds());
          return response;
        } catch (error) {
          observeStripeRequest(method, path, 'error', seconds());
          throw error;
        }
      });
    },
  };
}
