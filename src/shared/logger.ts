import { pino } from 'pino';

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
];

/**
 * Builds the process's logger: JSON lines on standard output.
 * @param name the process, as it appears in every line (`web`, `worker`, `gateway`)
 */
export function createLogger(name: string, level: string): Logger {
  return pino({
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: REDACTED, censor: '[redacted]' },
    serializers: { err: pino.stdSerializers.errWithCause },
  });
}
