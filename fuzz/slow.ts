import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../chaos/random.ts';
import type { Destination } from './wire.ts';
import type { World } from './world.ts';

/** The gateway allows a request a minute, and looks every half minute. */
const LIMIT_MS = 100_000;

/**
 * Senders that never finish: a byte now and then, or nothing at all. The server has to get rid of each by itself.
 * @returns what is wrong, in words
 */
export async function sendSlowly(
  destination: Destination,
  senders: number,
  random: Random,
  { routes }: World,
): Promise<string[]> {
  const outcomes = await Promise.all(
    Array.from({ length: senders }, async (_, i) => {
      const route = random.pick(routes);
      const everyMs = random.between(100, 2_000);
      const head = `${route.method} ${route.path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n`;
      const start = random.pick(['', 'P', head, `${head}\r\n`, `${head}\r\n{"plan":`]);
      return (await isCutOff(destination, start, i % 3 === 0 ? undefined : everyMs)) ? [] : [start];
    }),
  );
  return outcomes
    .flat()
    .map((start) => `A sender that never finished was not cut off after ${LIMIT_MS} ms: ${start}`);
}

/** @param everyMs between two further bytes; none are sent when absent */
async function isCutOff(
  destination: Destination,
  start: string,
  everyMs: number | undefined,
): Promise<boolean> {
  const socket = connect(destination);
  // Not `once` of node:events, which rejects on an error: a connection that is reset is cut off as well.
  const closed = new Promise<true>((resolve) => socket.once('close', () => resolve(true)));
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(start);
  const timer =
    everyMs === undefined ? undefined : setInterval(() => socket.writable && socket.write('a'), everyMs);
  const cut = await Promise.race([closed, sleep(LIMIT_MS, false)]);
  clearInterval(timer);
  socket.destroy();
  return cut;
}
