import { setTimeout as sleep } from 'node:timers/promises';
import type { Pile } from '../rig/pile.ts';
import { announcedData } from '../src/shared/announced-data.ts';
import { Browsers } from './browsers.ts';
import { shownToNobody, shownTwice, type Told } from './checks/once.ts';
import { failedJobs, untilQuiet } from './checks/quiet.ts';
import { awaitRecovery, eachWorkerWorks, lateOnes, type Recovery } from './checks/recovery.ts';
import { replay } from './checks/replay.ts';
import { differences, endingOf } from './checks/rows.ts';
import { Storm } from './faults/storm.ts';
import { historyOf } from './history.ts';
import { DATABASE, type House, openHouse, USERS_FROM } from './house.ts';
import { lookAtQueues } from './installation.ts';
import { Random } from './random.ts';
import { Recorder } from './recorder.ts';
import { Timeline } from './timeline.ts';
import { Traffic } from './traffic/traffic.ts';

const DAY = 86_400;
/** How far the sandbox's clock moves in a run. */
const DAYS = 75;
/**
 * The run ends half a day behind real time: periods are whole days and months, and what Stripe does around their ends
 * takes hours, so that no boundary falls into the minutes of the run, where a result would depend on its pace.
 */
const BEHIND = DAYS * DAY + DAY / 2;
/** Everything recovers, and is looked at, after this many faults. */
const FAULTS_A_STORM = 20;
/** Whole days, so that the moments which matter stay half a day away from real time (see {@link BEHIND}). */
const DAYS_BEFORE_A_STORM = 4;
const QUIET_MS = 60_000;
/** Longer than a sweep's interval. */
const SWEEP_MS = 4_000;

export type ChaosOptions = {
  readonly seed: number;
  readonly faults: number;
  readonly users: number;
  readonly webs: number;
  readonly workers: number;
  readonly gateways: number;
  /** Told every entry of the timeline. */
  readonly onEntry?: (line: string) => void;
};

export type ChaosReport = {
  readonly seed: number;
  readonly faults: number;
  readonly seconds: number;
  readonly steps: number;
  readonly events: number;
  readonly answered: number;
  readonly messages: number;
  /** Messages that reached no tab because the user's tabs were cut off then. */
  readonly unseen: number;
  /** How often the limiter before the gateways refused a worker. */
  readonly refusals: number;
  readonly slowestRecoveryMs: number;
  readonly slowestRecovery: string;
  readonly kinds: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
  readonly timeline: readonly string[];
};

/** Breaks a whole installation for a while, then looks whether anybody can tell. */
export async function runChaos(options: ChaosOptions, pile: Pile): Promise<ChaosReport> {
  const timeline = new Timeline(options.onEntry);
  const violations: string[] = [];
  const violate = (what: string): void => {
    violations.push(what);
    timeline.add(`VIOLATION ${what}`);
  };
  const random = new Random(options.seed);
  const recorder = pile.add(await Recorder.open());
  const startAt = Math.floor(Date.now() / 1_000) - BEHIND;
  const house = await openHouse({ ...options, startAt, recorder, timeline, violate }, pile);
  const users = Array.from({ length: options.users }, (_, i) => USERS_FROM + i);
  const traffic = new Traffic(house, users, DAYS, random.fork('traffic'), timeline);
  await traffic.register(DATABASE);
  const browsers = pile.add(new Browsers(users, house.gatewayPorts, house.secrets.jwtSecret));
  const storm = new Storm(house, random.fork('faults'), timeline);
  const recoveries: Recovery[] = [];

  house.sandbox.deliveries.setRules({ duplicates: 1 });
  traffic.start();
  const aStorm = Math.min(FAULTS_A_STORM, Math.ceil(options.faults / 2));
  for (let left = options.faults; left > 0; left -= aStorm) {
    // What these days bring (renewals, retries, ends) is delivered while things break.
    if (left < options.faults) await traffic.passDays(DAYS_BEFORE_A_STORM);
    await storm.rage(Math.min(left, aStorm));
    traffic.pause();
    recoveries.push(...(await recover(house, timeline, violate)));
    traffic.resume();
  }
  await traffic.stop();
  await traffic.passDays();
  await comeToRest(house, timeline, violate);
  const alone = await eachWorkerWorks(house);
  for (const late of lateOnes(alone)) violate(late);

  const answered = recorder.answered();
  const events = recorder.events();
  for (const what of await unapplied(house, new Set([...answered, ...house.canaries]))) violate(what);
  const outbox = await outboxOf(house);
  for (const what of shownTwice(browsers.tabs, outbox)) violate(what);
  const unseen = shownToNobody(browsers.tabs, outbox);
  browsers.close();
  const ending = await endingOf({ ...house.env });
  for (const keeper of house.keepers) await keeper.stop();
  timeline.add(`replaying ${events.length} events without faults`);
  const calm = await replay(house, traffic, events, pile);
  for (const what of differences(ending, calm)) {
    violate(what);
    for (const line of historyOf(what, events)) timeline.add(line);
  }

  const slowest = [...recoveries, ...alone].reduce((a, b) => ((a.ms ?? 1e9) > (b.ms ?? 1e9) ? a : b));
  return {
    seed: options.seed,
    faults: storm.begun,
    seconds: timeline.now / 1_000,
    steps: traffic.steps,
    events: events.length,
    answered: answered.size,
    messages: outbox.length,
    unseen,
    refusals: house.limiter.refusals,
    slowestRecoveryMs: slowest.ms ?? Number.POSITIVE_INFINITY,
    slowestRecovery: slowest.what,
    kinds: Object.fromEntries(storm.kinds),
    violations,
    timeline: timeline.lines,
  };
}

async function recover(
  house: House,
  timeline: Timeline,
  violate: (what: string) => void,
): Promise<Recovery[]> {
  timeline.add('all faults are over');
  const recoveries = await awaitRecovery(house, performance.now());
  const late = lateOnes(recoveries);
  for (const what of late) violate(what);
  if (late.length > 0) for (const { name, lines } of house.keepers) timeline.quote(name, lines);
  const slowest = Math.max(...recoveries.map(({ ms }) => ms ?? Number.POSITIVE_INFINITY));
  timeline.add(`recovered within ${Math.round(slowest)} ms`);
  return recoveries;
}

/** Twice, with a sweep in between: what the sweep finds has to come to rest, too. */
async function comeToRest(house: House, timeline: Timeline, violate: (what: string) => void): Promise<void> {
  const { deliveries } = house.sandbox;
  deliveries.setRules({});
  deliveries.release();
  const onlooker = lookAtQueues(house.redis.url, house.env.QUEUE_PREFIX ?? '');
  const query = (text: string) => house.postgres.databases.query(DATABASE, text);
  for (const when of ['at first', 'after a sweep']) {
    const moving = await untilQuiet(
      { onlooker, query, deliveries: () => deliveries.pending + deliveries.held },
      QUIET_MS,
      (what) => timeline.add(`still moving: ${what}`),
    );
    if (moving !== undefined) violate(`It does not come to rest ${when}: ${moving}`);
    timeline.add(`quiet ${when}`);
    if (when === 'at first') await sleep(SWEEP_MS);
  }
  for (const job of await failedJobs(onlooker)) violate(`Given up: ${job}`);
  await onlooker.close();
}

async function unapplied(house: House, answered: ReadonlySet<string>): Promise<string[]> {
  const rows = await house.postgres.databases.query(
    DATABASE,
    'select stripe_event_id as id, processed, waiting_for, error_message from webhook_events',
  );
  const known = new Map(rows.map((row) => [String(row.id), row]));
  return [...answered].flatMap((id) => {
    const row = known.get(id);
    if (row === undefined) return [`Answered 200 and lost: ${id}`];
    return row.processed
      ? []
      : [`Answered 200 and not applied: ${id} (${row.waiting_for ?? row.error_message})`];
  });
}

async function outboxOf(house: House): Promise<Told[]> {
  const rows = await house.postgres.databases.query(
    DATABASE,
    'select id, user_id, type, data from outbox_messages where not silent',
  );
  return rows.map(({ id, user_id, type, data }) => ({
    userId: Number(user_id),
    type: String(type),
    data: announcedData(Number(id), data as Record<string, unknown>),
  }));
}
