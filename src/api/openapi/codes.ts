import { failureOf, link, object } from './schemas.ts';
import type { Response, Schema } from './types.ts';

/** Every `code` that an answer can have: its status, and what it means. */
export const CODES = {
  invalid_body: [400, 'The body does not have the expected shape'],
  invalid_json: [400, 'The body is not JSON'],
  unreadable_body: [400, 'The body ended before its announced length'],
  invalid_query: [400, 'A query parameter is wrong'],
  invalid_user_id: [400, 'The user id in the path is not a positive whole number'],
  return_url_not_allowed: [400, '`return_url` is not on an allowed origin'],
  missing_signature: [400, 'There is no `Stripe-Signature`'],
  stale_signature: [400, 'It was signed more than five minutes from now'],
  invalid_signature: [400, 'None of our secrets made the signature'],
  invalid_encoding: [400, 'The body is not UTF-8'],
  not_an_event: [400, 'It is signed, but not a Stripe event'],
  payment_failed: [402, 'The payment was refused'],
  payment_action_required: [402, 'The bank wants the payment confirmed, at `data.url`'],
  unauthorized: [401, 'The login token or the key is missing or not valid'],
  challenge_failed: [403, 'Guests have to solve a challenge, and this one did not'],
  other_origin: [403, 'The request does not come from the board’s own pages'],
  read_only: [403, '`ADMIN_READ_ONLY` is set'],
  not_for_board: [403, 'The board retries and promotes, and does nothing else'],
  nothing_to_cancel: [404, 'No subscription is running'],
  no_customer: [404, 'The user never began a purchase'],
  session_not_found: [404, 'The checkout session does not exist, or is not the user’s'],
  user_not_found: [404, 'There is no such user'],
  not_at_attention: [404, 'Nothing of that kind and id is at attention'],
  route_not_found: [404, 'There is no such route'],
  method_not_allowed: [405, 'The route does not take this method; `Allow` names those it takes'],
  body_too_slow: [408, 'The body did not come in time: send the request again'],
  already_subscribed: [409, 'A subscription is running already'],
  billing_ended: [409, 'All billing of the account was ended less than a day ago'],
  subscription_paused: [409, 'A subscription is paused: it can be resumed or cancelled'],
  nothing_to_resume: [409, 'No subscription is paused, and none has an end that could be taken back'],
  payment_method_missing: [409, 'There is no means of payment to resume with: add one in the billing portal'],
  request_conflict: [409, 'The same request was made with other values a moment ago'],
  customer_taken: [409, 'The customer is another user’s'],
  body_too_large: [413, 'The body is too large'],
  target_too_long: [414, 'The path or query is longer than that of any route'],
  unsupported_media_type: [415, 'The body is not sent as `application/json`'],
  too_many_requests: [429, 'Too many requests of this kind; `Retry-After` says how long to wait'],
  internal_error: [500, 'A failure of our own; the answer names the request id to report'],
  plan_unavailable: [502, 'The plan’s price is none that Stripe sells; for the operator'],
  portal_not_configured: [502, 'The billing portal was never set up at Stripe; for the operator'],
  checkout_misconfigured: [502, 'Stripe refuses how Checkout is set up; for the operator'],
  stripe_key_refused: [502, 'Stripe refuses our key, or what it may do; for the operator'],
  stripe_rejected: [502, 'Stripe refused what we asked, for a reason nobody foresaw'],
  stripe_unavailable: [503, 'Stripe does not answer'],
  database_unavailable: [503, 'PostgreSQL does not answer'],
  queue_unavailable: [503, 'Redis does not take a job'],
  login_check_unavailable: [503, 'It cannot be told whether the login was revoked'],
  event_not_stored: [503, 'Neither Redis nor PostgreSQL took the event: send it again'],
  admin_disabled: [503, 'No `INTERNAL_API_KEY` is configured'],
  board_unavailable: [503, 'Redis does not answer'],
  challenge_unavailable: [503, 'It cannot be told whether the challenge was solved'],
  too_many_bodies: [503, 'Too much is being received at once: send the request again'],
  busy: [
    503,
    'Too much is asked at the moment: too many purchases wait, or the budget of calls to Stripe is used up',
  ],
} as const satisfies Record<string, readonly [status: number, meaning: string]>;

export type Code = keyof typeof CODES;

/** What comes with some codes in `data`. */
const DATA: Partial<Record<Code, Schema>> = { payment_action_required: object({ url: link }) };

const RETRY_AFTER = {
  'retry-after': { description: 'seconds', schema: { type: 'string', pattern: '^[0-9]+$' } },
};

/** The failures an operation may answer with, by status. */
export function failures(...codes: readonly Code[]): Record<string, Response> {
  const statuses = new Set(codes.map((code) => CODES[code][0]));
  return Object.fromEntries(
    [...statuses].sort().map((status) => {
      const own = codes.filter((code) => CODES[code][0] === status);
      const data = own.flatMap<Schema>((code) => DATA[code] ?? []);
      return [
        String(status),
        {
          description: own.map((code) => `\`${code}\`: ${CODES[code][1]}`).join('. '),
          ...(status === 429 || status === 503 ? { headers: RETRY_AFTER } : {}),
          content: { 'application/json': { schema: failureOf(own, data) } },
        },
      ];
    }),
  );
}

/** Reading a JSON body can fail in these ways. */
export const BODY_CODES = [
  'invalid_body',
  'invalid_json',
  'unreadable_body',
  'body_too_slow',
  'body_too_large',
  'too_many_bodies',
  'unsupported_media_type',
] as const satisfies Code[];
export const USER_CODES = ['unauthorized', 'login_check_unavailable'] as const satisfies Code[];
export const ADMIN_CODES = ['unauthorized', 'too_many_requests', 'admin_disabled'] as const satisfies Code[];
export const DATABASE_CODES = ['database_unavailable', 'internal_error'] as const satisfies Code[];
export const STRIPE_CODES = [
  'stripe_rejected',
  'stripe_key_refused',
  'stripe_unavailable',
  'busy',
] as const satisfies Code[];
/** A purchase can be refused in these ways. */
export const PURCHASE_CODES = [
  'billing_ended',
  'already_subscribed',
  'subscription_paused',
  'request_conflict',
  'plan_unavailable',
  'checkout_misconfigured',
] as const satisfies Code[];
