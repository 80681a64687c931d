import type { Template } from '../events/templates.ts';
import { type Prepared, prepareLoad } from './load-process.ts';
import type { Target } from './request.ts';

/** What the load generator is to send. */
export type FloodOrder = {
  readonly target: Target;
  readonly templates: readonly Template[];
  readonly stream: string;
  readonly firstUser: number;
  readonly count: number;
  readonly connections: number;
  /** Absent: each connection sends its next event as soon as the last is answered. */
  readonly perSecond?: number;
};

/** What the load generator saw. Times in milliseconds, to the whole answer. */
export type FloodResult = {
  readonly accepted: number;
  /** Answers other than 200, by status. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Mean size of a request, in bytes; 0 for a steady flow. */
  readonly requestBytes: number;
  /** Why it stopped early. */
  readonly failure?: string;
};

/** Starts the load generator; it has everything signed when this resolves. */
export function prepareFlood(order: FloodOrder): Promise<Prepared<FloodResult>> {
  return prepareLoad('flood-process.ts', order);
}

/** @throws unless every event was answered 200 */
export function insistOnAll(result: FloodResult, count: number, who: string): FloodResult {
  if (result.accepted === count) return result;
  throw new Error(
    `${who} took ${result.accepted} of ${count} events: ${JSON.stringify(result.refusals)} ${result.failure ?? ''}`,
  );
}
