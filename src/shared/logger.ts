import { createRequire } from 'node:module';
import { type DestinationStream, pino } from 'pino';
import { scrub } from './log-scrubber.ts';

export type Logger = pino.Logger;

/** Paths whose values never reach a log line, wherever the object came from (invariant 9 of the design). */
const REDACTED = [
  'authorization',
  'cookie',
  'token',
  'password',
  'secret',
  'headers.authorization',
  'headers.cookie',
  'headers["stripe-signature"]',
  'headers["x-jwt-token"]',
  'headers["x-internal-key"]',
  'req.headers.authorization',
  'req.headers.cookie',
  'req.headers["stripe-signature"]',
  'req.headers["x-jwt-token"]',
  'req.headers["x-internal-key"]',
  '*.password',
  '*.token',
  '*.secret',
  '*.client_secret',
  'client_secret',
  'signature',
  '*.authorization',
  '*.cookie',
  '*["stripe-signature"]',
  '*["x-jwt-token"]',
  '*["x-internal-key"]',
];

/**
 * Builds the process's logger: JSON lines on standard output.
 * @param name the process, as it appears in every line (`web`, `worker`, `gateway`)
 * @param options.pretty lines for people instead, where `pino-pretty` is installed: never in production
 */
export function createLogger(name: string, level: string, { pretty = false } = {}): Logger {
  const options: pino.LoggerOptions = {
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: REDACTED, censor: '[redacted]' },
    serializers: { err: describeError },
    // What no path names: secrets and persons inside of sentences.
    hooks: { streamWrite: scrub },
  };
  const stream = pretty ? prettyStream() : undefined;
  return stream === undefined ? pino(options) : pino(options, stream);
}

/** Undefined where `pino-pretty` is not installed, which is a development dependency. */
function prettyStream(): DestinationStream | undefined {
  try {
    const require = createRequire(import.meta.url);
    const build = require('pino-pretty') as (options: object) => DestinationStream;
    return build({ colorize: process.stdout.isTTY === true, sync: true, ignore: 'pid,hostname' });
  } catch {
    return undefined;
  }
}

/** What of an error is worth a log line, and nothing else. */
type ErrorDescription = {
  type: string;
  message: string;
  stack: string | undefined;
  code?: unknown;
  statusCode?: unknown;
  requestId?: unknown;
  cause?: ErrorDescription;
};

/**
 * Errors of libraries carry whatever was at hand: a Redis command with its arguments, a Stripe object with its client
 * secret, a signature with its payload. Only named fields pass.
 */
function describeError(thrown: unknown): ErrorDescription {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: String(thrown), stack: undefined };
  const { code, statusCode, requestId } = thrown as Error & Record<string, unknown>;
  return {
    type: thrown.name,
    message: thrown.message,
    stack: thrown.stack,
    ...(code === undefined ? {} : { code }),
    ...(statusCode === undefined ? {} : { statusCode }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(thrown.cause === undefined ? {} : { cause: describeError(thrown.cause) }),
  };
}
