import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Headers about one connection, not about the message (RFC 9110 §7.6.1). `transfer-encoding` and `trailer` are the framing's. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'upgrade',
  'http2-settings',
  // Already answered by our own server.
  'expect',
]);

/**
 * Names by which the service knows who asks: only the gateway may write them. The browser's own credentials stay
 * here too, since a token travels on as `X-JWT-Token` and nowhere else.
 */
const OURS_TO_SAY = new Set([
  'x-user-id',
  'x-jwt-token',
  'x-internal-key',
  'x-request-id',
  'x-forwarded-for',
  // To which trace a request belongs, and so whether that trace is kept.
  'traceparent',
  'tracestate',
  'baggage',
  'authorization',
  'cookie',
]);

/** A client must not unframe a body by naming these in its `Connection` header: that would smuggle a request. */
const FRAMING = new Set(['content-length', 'transfer-encoding', 'host']);

/** What the gateway itself says about a request. */
export type Attestation = { requestId: string; userId?: number | undefined; token?: string | undefined };

/** The headers of the request to the service: the client's, minus what it has no right to say, plus what we attest. */
export function forwardedHeaders(request: IncomingMessage, attestation: Attestation): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {};
  const namedByConnection = connectionNames(request.headers);
  for (const [name, value] of Object.entries(request.headers)) {
    // `x_user_id` counts as `x-user-id`: some servers make no difference.
    const plain = name.replaceAll('_', '-');
    if (HOP_BY_HOP.has(plain) || OURS_TO_SAY.has(plain)) continue;
    if (namedByConnection.has(name) && !FRAMING.has(name)) continue;
    headers[name] = value;
  }
  headers['x-request-id'] = attestation.requestId;
  headers['x-forwarded-for'] = forwardedFor(request);
  if (attestation.userId !== undefined) headers['x-user-id'] = String(attestation.userId);
  if (attestation.token !== undefined) headers['x-jwt-token'] = attestation.token;
  return headers;
}

/** Whether a header of the service's answer goes on to the browser; CORS is the gateway's to decide. */
export function isForwardedAnswerHeader(name: string, answer: IncomingHttpHeaders): boolean {
  if (name === 'transfer-encoding' || HOP_BY_HOP.has(name)) return false;
  if (name.startsWith('access-control-') || name === 'x-request-id') return false;
  return !connectionNames(answer).has(name);
}

function connectionNames(headers: IncomingHttpHeaders): Set<string> {
  return new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
}

/** Appends the peer to what proxies before us (Caddy) wrote. */
function forwardedFor(request: IncomingMessage): string {
  const earlier = request.headers['x-forwarded-for'];
  const peer = request.socket.remoteAddress ?? 'unknown';
  return earlier ? `${String(earlier)}, ${peer}` : peer;
}
