/**
 * The load generator: a process of its own, so that its work is not counted as anybody else's. It is told what to
 * send, signs it, says `ready`, waits for `go`, and answers with what it saw.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Mix } from '../events/mix.ts';
import { percentile } from '../measure/statistics.ts';
import type { FloodOrder, FloodResult } from './flood.ts';
import { RawConnection } from './raw-connection.ts';
import { signedRequest } from './request.ts';

process.on('disconnect', () => process.exit(0));
process.once('message', (order: FloodOrder) => void run(order));

async function run(order: FloodOrder): Promise<void> {
  const mix = new Mix(order.templates, order.stream, order.firstUser, order.count);
  const sign = (index: number): Buffer => signedRequest(order.target, mix.at(index).body);
  // A steady flow lasts longer than a signature is valid; there is time to sign between two events.
  const ready = order.perSecond === undefined ? Array.from({ length: order.count }, (_, i) => sign(i)) : [];
  const bytes = ready.reduce((sum, request) => sum + request.length, 0);
  const connections = await Promise.all(
    Array.from({ length: order.connections }, () => RawConnection.open(order.target.host, order.target.port)),
  );
  process.send?.('ready');
  await new Promise((resolve) => process.once('message', resolve));

  const startedAt = performance.now();
  const latencies: number[] = [];
  const refusals: Record<string, number> = {};
  let next = 0;
  const work = async (connection: RawConnection): Promise<void> => {
    while (next < order.count) {
      const index = next;
      next += 1;
      const due = order.perSecond === undefined ? undefined : startedAt + (index / order.perSecond) * 1_000;
      if (due !== undefined && due > performance.now()) await sleep(due - performance.now());
      const request = ready[index] ?? sign(index);
      const sentAt = performance.now();
      const status = await connection.send(request);
      if (status === 200) latencies.push(performance.now() - sentAt);
      else refusals[status] = (refusals[status] ?? 0) + 1;
    }
  };
  let failure: string | undefined;
  await Promise.all(connections.map(work)).catch((thrown: unknown) => {
    failure = thrown instanceof Error ? thrown.message : String(thrown);
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  for (const connection of connections) connection.close();
  latencies.sort((a, b) => a - b);
  const result: FloodResult = {
    accepted: latencies.length,
    refusals,
    seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    requestBytes: ready.length > 0 ? bytes / ready.length : 0,
    ...(failure === undefined ? {} : { failure }),
  };
  process.send?.(result);
}
