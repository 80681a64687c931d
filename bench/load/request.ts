import { createHmac } from 'node:crypto';

/** Where events go. */
export type Target = {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly secret: string;
};

/** A whole HTTP request with an event, signed now, as Stripe sends it. */
export function signedRequest({ host, port, path, secret }: Target, body: string): Buffer {
  const at = Math.floor(Date.now() / 1_000);
  const v1 = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex');
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUser-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n` +
      `Accept: */*; q=0.5, application/xml\r\nCache-Control: no-cache\r\n` +
      `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Stripe-Signature: t=${at},v1=${v1}\r\n\r\n${body}`,
  );
}
