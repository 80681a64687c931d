import { MINUTE, SECOND } from './duration.ts';
import type { Logger } from './logger.ts';

/** Warns of something that strangers can make happen as often as they like. */
export type SampledWarning = (kind: string, fields: Record<string, unknown>, message: string) => void;

/**
 * The first warning of a kind is a line at once; those that follow are one line a minute with their number (`count`)
 * and the fields of the latest. Metrics count each.
 * @param everyMs between two lines of one kind
 */
export function createSampledWarning(logger: Logger, everyMs: number = MINUTE): SampledWarning {
  const following = new Map<string, { count: number; fields: Record<string, unknown>; message: string }>();

  function summarize(kind: string): void {
    const { count, fields, message } = following.get(kind) ?? { count: 0, fields: {}, message: '' };
    following.delete(kind);
    if (count === 0) return;
    logger.warn({ ...fields, count }, `${message}, ${count} times in ${everyMs / SECOND} s`);
    wait(kind);
  }

  function wait(kind: string): void {
    following.set(kind, { count: 0, fields: {}, message: '' });
    // What is lost when the process ends is the last number.
    setTimeout(() => summarize(kind), everyMs).unref();
  }

  return (kind, fields, message) => {
    const more = following.get(kind);
    if (more === undefined) {
      logger.warn(fields, message);
      wait(kind);
    } else {
      following.set(kind, { count: more.count + 1, fields, message });
    }
  };
}
