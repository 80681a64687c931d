/** Who may use a proxied route, and what the service is told about them. */
export type Access =
  /** Nobody's name is passed on: Stripe's signature or nothing at all proves the caller. */
  | 'anonymous'
  /** A token is passed on unverified when there is one; the service refuses an invalid one. */
  | 'tokenOptional'
  /** Only with a valid login. */
  | 'loggedIn';

export type ProxyRoute = {
  readonly upstreamPath: string;
  readonly access: Access;
  /**
   * Whether a request may be sent again when its connection was lost, whatever the service made of it. Stripe's
   * webhook may: the event's id is its job's id and a unique key, so an event that comes twice is one event. A
   * purchase or a cancellation must not: nobody knows whether the first one took effect.
   */
  readonly repeatable: boolean;
};

type Rule = {
  pattern: RegExp;
  access: Access;
  repeatable?: true;
  upstreamPath: (match: RegExpExecArray) => string;
};

/**
 * Everything that reaches the service, as patterns over the raw request path. Nothing is decoded or normalised, and
 * a segment has no room for `.`, `%`, `;` or an empty name: what the gateway compares is what the service gets, so no
 * spelling of `/api/admin` can pass for one of these.
 */
const RULES: readonly Rule[] = [
  {
    pattern: /^\/api\/(?:v1\/)?stripe\/webhook\/?$/,
    access: 'anonymous',
    repeatable: true,
    upstreamPath: () => '/api/stripe/webhook',
  },
  {
    pattern: /^\/api\/(?:v1\/)?stripe\/create-checkout-session\/?$/,
    access: 'tokenOptional',
    upstreamPath: () => '/api/stripe/create-checkout-session',
  },
  {
    pattern: /^(\/api\/stripe\/subscription(?:\/[\w-]+)*)\/?$/,
    access: 'loggedIn',
    upstreamPath: (match) => match[1] ?? '',
  },
  {
    pattern: /^(\/api\/stripe\/payment(?:\/[\w-]+)+)\/?$/,
    access: 'loggedIn',
    upstreamPath: (match) => match[1] ?? '',
  },
  {
    // Matcha's own gateway does not pass this on: there the edge leads it straight to the service.
    pattern: /^(\/api\/stripe\/notifications)\/?$/,
    access: 'loggedIn',
    upstreamPath: (match) => match[1] ?? '',
  },
  {
    pattern: /^\/api\/paiements(\/health(?:\/(?:ready|live))?)\/?$/,
    access: 'anonymous',
    upstreamPath: (match) => match[1] ?? '',
  },
];

/** Finds the route of a raw path (no query); `undefined` means that it is not the service's. */
export function proxyRouteOf(rawPath: string): ProxyRoute | undefined {
  for (const rule of RULES) {
    const match = rule.pattern.exec(rawPath);
    if (!match) continue;
    const { access, repeatable = false } = rule;
    return { access, repeatable, upstreamPath: rule.upstreamPath(match) };
  }
  return undefined;
}
