/**
 * Sends events at a steady rate and, in the same process, listens as the browsers of their users: one clock for both
 * ends. Told what to send, it opens the sockets, says `ready`, waits for `go`, and answers with what it saw.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { Mix } from '../events/mix.ts';
import { percentile } from '../measure/statistics.ts';
import type { LatencyOrder, LatencyResult } from './latency.ts';
import { RawConnection } from './raw-connection.ts';
import { signedRequest } from './request.ts';

const ANNOUNCING = 'invoice.paid';
const OPEN_AT_ONCE = 50;
/** How long the last frames may take, in milliseconds. */
const LINGER_MS = 5_000;

process.on('disconnect', () => process.exit(0));
process.once('message', (order: LatencyOrder) => void run(order));

async function run(order: LatencyOrder): Promise<void> {
  const mix = new Mix(order.templates, order.stream, order.firstUser, order.count);
  const sentAt = new Map<string, number>();
  const latencies: number[] = [];
  const listen = (text: string): void => {
    const { type, data } = JSON.parse(text) as { type: string; data?: { invoice_id?: string } };
    const invoice = data?.invoice_id;
    if (type !== 'payment_succeeded' || invoice === undefined) return;
    const at = sentAt.get(invoice);
    sentAt.delete(invoice);
    if (at !== undefined) latencies.push(performance.now() - at);
  };
  const sockets: WebSocket[] = [];
  for (let i = 0; i < order.tokens.length; i += OPEN_AT_ONCE) {
    const opened = order.tokens.slice(i, i + OPEN_AT_ONCE).map((token) => openSocket(order, token, listen));
    sockets.push(...(await Promise.all(opened)));
  }
  // Opened as they are needed: a server says 408 to one that is not used for long.
  let idle: RawConnection[] = [];
  process.send?.('ready');
  await new Promise((resolve) => process.once('message', resolve));

  const startedAt = performance.now();
  let announced = 0;
  let refused = 0;
  const underWay: Promise<unknown>[] = [];
  for (let index = 0; index < order.count; index++) {
    const due = startedAt + (index / order.perSecond) * 1_000;
    const event = mix.at(index);
    const request = signedRequest(order.target, event.body);
    if (due > performance.now()) await sleep(due - performance.now());
    const connection =
      idle.findLast(({ open }) => open) ?? (await RawConnection.open(order.target.host, order.target.port));
    idle = idle.filter((each) => each !== connection && each.open);
    // The first event of an invoice that announces it: a second one tells nothing new.
    if (event.type === ANNOUNCING) {
      announced += 1;
      sentAt.set(event.invoiceId, performance.now());
    }
    underWay.push(
      connection.send(request).then((status) => {
        if (status !== 200) refused += 1;
        idle.push(connection);
      }),
    );
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  await Promise.all(underWay);
  for (const end = performance.now() + LINGER_MS; sentAt.size > 0 && performance.now() < end; )
    await sleep(20);
  for (const socket of sockets) socket.terminate();
  for (const connection of idle) connection.close();
  latencies.sort((a, b) => a - b);
  const result: LatencyResult = {
    announced,
    heard: latencies.length,
    refused,
    sentPerSecond: order.count / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    maxMs: latencies.at(-1) ?? Number.NaN,
  };
  process.send?.(result);
}

function openSocket(order: LatencyOrder, token: string, listen: (text: string) => void): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${order.socketUrl}/ws`, { headers: { authorization: `Bearer ${token}` } });
    socket.once('error', reject);
    socket.once('message', () => resolve(socket));
    socket.on('message', (frame) => listen(String(frame)));
  });
}
