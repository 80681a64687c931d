import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { Random } from '../chaos/random.ts';
import { type Matcha, startMatcha } from '../rig/matcha.ts';
import type { Pile } from '../rig/pile.ts';
import { aftermath } from './aftermath.ts';
import type { FuzzRequest } from './request.ts';
import { drawRequest } from './requests/draw.ts';
import { sendSlowly } from './slow.ts';
import { attackSockets } from './sockets.ts';
import { type Answer, type Destination, Wire } from './wire.ts';
import { MEMBERS, readRoutes, tokenOf, VICTIMS, type World } from './world.ts';

const ANSWER_MS = 15_000;
const KEPT_VIOLATIONS = 100;
/** Memory may rise by this much, in MB, once everything has been used. */
const FLAT_MB = 40;

export type FuzzOptions = {
  readonly seed: number;
  readonly requests: number;
  /** Stops earlier after this long. */
  readonly maxSeconds: number;
  readonly connections: number;
  readonly slowSenders: number;
  readonly sockets: number;
  readonly onProgress?: (line: string) => void;
};

export type FuzzReport = {
  readonly seed: number;
  readonly requests: number;
  readonly seconds: number;
  /** Answers by status; `closed` is a connection that ended without one. */
  readonly answers: Readonly<Record<string, number>>;
  readonly kinds: number;
  readonly rssMb: Readonly<Record<string, readonly number[]>>;
  readonly violations: readonly string[];
};

/** Sends requests that nobody should send to a whole installation, and looks what comes of it. */
export async function runFuzz(options: FuzzOptions, pile: Pile): Promise<FuzzReport> {
  const startedAt = performance.now();
  const matcha = await startMatcha(
    {
      durability: 'fast',
      env: {
        BOARD_USER: 'operator',
        BOARD_PASSWORD: 'a-password-for-the-board',
        DAILY_CHECKS: 'false',
        RECONCILE_INTERVAL_SECONDS: '0',
      },
    },
    pile,
  );
  const world = await prepareWorld(matcha);
  const destinations = { web: destinationOf(matcha.urls.web), gateway: destinationOf(matcha.urls.gateway) };
  const violations: string[] = [];
  const violate = (what: string): void => {
    if (violations.length < KEPT_VIOLATIONS) violations.push(what.slice(0, 1_500));
  };
  const answers: Record<string, number> = {};
  const kinds = new Set<string>();
  const rss = new Map(matcha.processes.map(({ name }) => [name, [] as number[]]));
  const sample = (): void => {
    for (const each of matcha.processes) if (each.running) rss.get(each.name)?.push(rssMb(each.pid));
  };
  let genuine = 0;
  let sent = 0;

  const work = async (): Promise<void> => {
    const wires = { web: new Wire(destinations.web), gateway: new Wire(destinations.gateway) };
    while (sent < options.requests && performance.now() - startedAt < options.maxSeconds * 1_000) {
      const number = sent;
      sent += 1;
      if (number % Math.ceil(options.requests / 20) === 0) {
        sample();
        options.onProgress?.(`${number} requests`);
      }
      const request = drawRequest(number, new Random(options.seed * 1_000_003 + number), world);
      const answer = await wires[request.server]
        .exchange(request, ANSWER_MS)
        .catch((thrown: unknown): Answer => ({ kind: 'answered', status: 599, body: String(thrown) }));
      kinds.add(request.kind);
      const status = answer.kind === 'answered' ? String(answer.status) : answer.kind;
      answers[status] = (answers[status] ?? 0) + 1;
      if (request.kind === 'genuine event' && status === '200') genuine += 1;
      const wrong = judge(request, answer);
      if (wrong)
        violate(
          `#${number} ${request.server}, ${request.kind}: ${wrong}\n${request.bytes.toString('latin1').slice(0, 600)}`,
        );
    }
    for (const wire of Object.values(wires)) wire.close();
  };
  const aside = new Random(options.seed);
  const [slowWeb, slowGateway, sockets] = await Promise.all([
    sendSlowly(destinations.web, options.slowSenders, aside.fork('web'), world),
    sendSlowly(destinations.gateway, options.slowSenders, aside.fork('gateway'), world),
    attackSockets(destinations.gateway, options.sockets, aside.fork('sockets'), world),
    ...Array.from({ length: options.connections }, work),
  ]);
  for (const wrong of [...slowWeb, ...slowGateway, ...sockets]) violate(wrong);
  sample();
  for (const each of matcha.processes) {
    if (!each.running) violate(`${each.name} ended: ${each.lines.slice(-8).join('\n')}`);
  }
  for (const wrong of await aftermath(matcha, genuine)) violate(wrong);
  for (const [name, samples] of rss) for (const wrong of notFlat(name, samples)) violate(wrong);
  return {
    seed: options.seed,
    requests: sent,
    seconds: (performance.now() - startedAt) / 1_000,
    answers,
    kinds: kinds.size,
    rssMb: Object.fromEntries(rss),
    violations,
  };
}

function judge({ expect, inspect }: FuzzRequest, answer: Answer): string | undefined {
  if (answer.kind === 'silent') return `no answer within ${ANSWER_MS} ms`;
  if (answer.kind === 'closed') return expect === 'served' ? 'closed without an answer' : undefined;
  const { status, body } = answer;
  // Installed as it is here, nothing is away, so that no 5xx is by design.
  if (status >= 500) return `answered ${status} ${body.slice(0, 500)}`;
  if (expect === 'refused' && status < 300) return `was let in: ${status} ${body.slice(0, 500)}`;
  if (expect === 'served' && status !== 200) return `was refused: ${status} ${body.slice(0, 500)}`;
  return inspect?.(body);
}

async function prepareWorld(matcha: Matcha): Promise<World> {
  for (const id of [...MEMBERS, ...VICTIMS]) {
    await matcha.query('insert into users (id, username, email, email_verified) values ($1, $2, $3, true)', [
      id,
      `user-${id}`,
      `user-${id}@example.com`,
    ]);
  }
  for (const id of VICTIMS) {
    await matcha.query(
      `insert into payments (user_id, stripe_payment_intent_id, amount, status) values ($1, $2, 999, 'succeeded')`,
      [id, `pi_of_victim_${id}`],
    );
  }
  const revoked = VICTIMS.map((user) => tokenOf(matcha.secrets.jwtSecret, user));
  const redis = new Redis(matcha.env.REDIS_URL ?? '');
  for (const [index, token] of revoked.entries()) {
    const form = index % 2 === 0 ? token : createHash('sha256').update(token).digest('hex');
    await redis.set(`blacklist:${form}`, '1');
  }
  redis.disconnect();
  return { matcha, secrets: matcha.secrets, routes: await readRoutes(matcha.urls.web), revoked };
}

function destinationOf(url: string): Destination {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

/** Compares the end with the middle: by then everything has been compiled and cached that ever will be. */
function notFlat(name: string, samples: readonly number[]): string[] {
  if (samples.length < 8) return [];
  const middle = samples[Math.floor(samples.length / 2)] ?? 0;
  const end = samples.at(-1) ?? 0;
  return end - middle > FLAT_MB
    ? [`Memory of ${name} is not flat: ${samples.map(Math.round).join(', ')} MB`]
    : [];
}

function rssMb(pid: number): number {
  const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kb ?? 0) / 1_024);
}
