import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Pile } from '../../rig/pile.ts';
import { freePort } from '../../rig/ports.ts';
import { ManagedProcess, runToEnd } from '../../rig/process.ts';
import { signatureHeader } from '../../sandbox/index.ts';
import type { House } from '../house.ts';
import { lookAtQueues } from '../installation.ts';
import type { RecordedEvent } from '../recorder.ts';
import type { Traffic } from '../traffic/traffic.ts';
import { untilQuiet } from './quiet.ts';
import { type Ending, endingOf } from './rows.ts';

const DATABASE = 'calm';
const QUIET_MS = 120_000;
/** Longer than a sweep's interval there. */
const SWEEP_MS = 2_000;

/**
 * The run without faults: the same events, each once and in order, into a fresh database through one web and one
 * worker that takes one event at a time. The processes of the run itself must have ended.
 * @throws when it does not come to rest
 */
export async function replay(
  house: House,
  traffic: Traffic,
  events: readonly RecordedEvent[],
  pile: Pile,
): Promise<Ending> {
  const { databases } = house.postgres;
  await databases.create(DATABASE);
  const gateway = await deafGateway();
  pile.defer(() => gateway.close());
  const port = await freePort();
  const env = {
    ...house.env,
    ...databases.environment(DATABASE),
    REDIS_URL: house.redis.url,
    STRIPE_API_BASE: house.sandbox.url,
    GATEWAY_URL: gateway.url,
    QUEUE_PREFIX: '{calm}',
    WORKER_CONCURRENCY: '1',
    SWEEP_INTERVAL_SECONDS: '1',
    PAIEMENTS_SERVICE_PORT: String(port),
  };
  await runToEnd({ name: 'migrate', script: 'src/shared/database/migrate-command.ts', env });
  await traffic.register(DATABASE);
  await forget(house.redis.url);
  const url = `http://127.0.0.1:${port}`;
  const web = new ManagedProcess({
    name: 'web',
    script: 'src/api/main.ts',
    env,
    ready: { url: `${url}/health/ready` },
  });
  const worker = new ManagedProcess({
    name: 'worker',
    script: 'src/workers/main.ts',
    env,
    ready: { line: /worker ready/i },
  });
  for (const each of [web, worker]) await pile.add(each).start();

  for (const { id, body } of events) {
    const response = await fetch(`${url}/api/stripe/webhook`, {
      method: 'POST',
      headers: { 'stripe-signature': signatureHeader(body, house.secrets.webhookSecret) },
      body,
    });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`Without faults ${id} was answered ${response.status}`);
  }
  const onlooker = lookAtQueues(house.redis.url, '{calm}');
  const query = (text: string) => databases.query(DATABASE, text);
  // What a sweep puts right is part of how it ends.
  for (const pauseMs of [SWEEP_MS, 0]) {
    const moving = await untilQuiet({ onlooker, query, deliveries: () => 0 }, QUIET_MS);
    if (moving !== undefined) throw new Error(`Without faults it does not come to rest: ${moving}`);
    await sleep(pauseMs);
  }
  await onlooker.close();
  await worker.stop();
  await web.stop();
  return endingOf(env);
}

/** The gateways remember what they announced, and the queues what they did; the calm run begins with nothing. */
async function forget(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl);
  await redis.flushall();
  redis.disconnect();
}

async function deafGateway(): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.setHeader('content-type', 'application/json').end('{"success":true}'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
