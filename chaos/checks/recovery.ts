import { setTimeout as sleep } from 'node:timers/promises';
import { signatureHeader } from '../../sandbox/index.ts';
import { DATABASE, type House } from '../house.ts';

const LIMIT_MS = 10_000;
const POLL_MS = 50;
const CANARY_EVERY_MS = 1_000;

let canaries = 0;

/** How long it took, in milliseconds, or undefined when it was given up. */
export type Recovery = { readonly what: string; readonly ms: number | undefined };

/** Waits, everything being there again, until every process serves. Measured from `since` (`performance.now()`). */
export async function awaitRecovery(house: House, since: number): Promise<Recovery[]> {
  const webs = house.webPorts.map((port, i) =>
    until(`web ${i + 1} ready`, since, () => answers(`http://127.0.0.1:${port}/health/ready`)),
  );
  const gateways = house.gatewayPorts.map((port, i) =>
    until(`gateway ${i + 1} healthy`, since, () =>
      answers(`http://127.0.0.1:${port}/api/internal/health`, {
        'x-internal-key': house.secrets.internalKey,
      }),
    ),
  );
  return Promise.all([...webs, ...gateways, applyCanary(house, 'an event applied', since)]);
}

/** Whether each worker works, the others being frozen. Nothing may be in their hands when this is called. */
export async function eachWorkerWorks(house: House): Promise<Recovery[]> {
  const workers = house.keepers.filter(({ kind }) => kind === 'worker');
  const recoveries: Recovery[] = [];
  for (const alone of workers) {
    const others = workers.filter((worker) => worker !== alone);
    for (const other of others) other.freeze();
    recoveries.push(await applyCanary(house, `${alone.name} alone applies an event`, performance.now()));
    for (const other of others) other.thaw();
  }
  return recoveries;
}

/** @returns what is wrong about recoveries, in words */
export function lateOnes(recoveries: readonly Recovery[]): string[] {
  return recoveries
    .filter(({ ms }) => ms === undefined || ms > LIMIT_MS)
    .map(({ what, ms }) => `${what}: ${ms === undefined ? 'not at all' : `after ${Math.round(ms)} ms`}`);
}

/**
 * Sends events that do nothing, a new one a second, until one of them is marked as processed. One alone would not do:
 * what web stores in PostgreSQL because its own way to Redis is not back yet waits for a sweep, by design.
 */
async function applyCanary(house: House, what: string, since: number): Promise<Recovery> {
  const sent: string[] = [];
  let next = 0;
  return until(what, since, async () => {
    if (performance.now() >= next) {
      const id = await sendCanary(house);
      if (id !== undefined) {
        sent.push(id);
        next = performance.now() + CANARY_EVERY_MS;
      }
    }
    const rows = await house.postgres.databases.query(
      DATABASE,
      'select 1 from webhook_events where stripe_event_id = any($1) and processed limit 1',
      [sent],
    );
    return rows.length > 0;
  });
}

/** @returns the id of an event that web has taken, or undefined when it did not */
async function sendCanary(house: House): Promise<string | undefined> {
  canaries += 1;
  const id = `evt_canary_${process.pid}_${canaries}`;
  const body = JSON.stringify({
    id,
    object: 'event',
    type: 'chaos.canary',
    created: Math.floor(Date.now() / 1_000),
    livemode: false,
    api_version: null,
    data: { object: { id: 'canary', object: 'canary' } },
  });
  const url = `http://127.0.0.1:${house.webPorts[0]}/api/stripe/webhook`;
  const headers = { 'stripe-signature': signatureHeader(body, house.secrets.webhookSecret) };
  if (!(await answers(url, headers, body))) return undefined;
  house.canaries.add(id);
  return id;
}

async function until(what: string, since: number, isTrue: () => Promise<boolean>): Promise<Recovery> {
  // Beyond the limit it is still worth knowing whether it comes at all.
  while (performance.now() - since < 6 * LIMIT_MS) {
    if (await isTrue()) return { what, ms: performance.now() - since };
    await sleep(POLL_MS);
  }
  return { what, ms: undefined };
}

async function answers(url: string, headers: Record<string, string> = {}, body?: string): Promise<boolean> {
  try {
    const response = await fetch(url, {
      headers,
      signal: AbortSignal.timeout(3_000),
      ...(body === undefined ? {} : { method: 'POST', body }),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
