import type { Template } from '../events/templates.ts';
import { type Prepared, prepareLoad } from './load-process.ts';
import type { Target } from './request.ts';

/** What the latency process is to send, and as whom it is to listen. */
export type LatencyOrder = {
  readonly target: Target;
  /** `ws://host:port` of the gateway. */
  readonly socketUrl: string;
  /** A login token for each user of the stream. */
  readonly tokens: readonly string[];
  readonly templates: readonly Template[];
  readonly stream: string;
  readonly firstUser: number;
  readonly count: number;
  readonly perSecond: number;
};

/** From the first byte sent to the frame at the browser, in milliseconds. */
export type LatencyResult = {
  readonly announced: number;
  readonly heard: number;
  readonly refused: number;
  readonly sentPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

/** Starts the latency process; its sockets are open when this resolves. */
export function prepareLatency(order: LatencyOrder): Promise<Prepared<LatencyResult>> {
  return prepareLoad('latency-process.ts', order);
}
