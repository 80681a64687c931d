import type { House } from '../house.ts';
import type { Keeper } from '../keeper.ts';
import type { Random } from '../random.ts';
import type { Fault } from './fault.ts';

/** Draws the next fault. What is drawn depends on the seed alone, not on how the run is going. */
export function drawFault(house: House, random: Random): Fault {
  return random.weighted<() => Fault>([
    [22, () => killed(random.pick(house.keepers), random)],
    [16, () => frozen(random.pick(house.keepers), random)],
    [8, () => restarted(random.pick(house.keepers), random)],
    [8, () => serverKilled('Redis', house.redis, random)],
    [4, () => redisFrozen(house, random)],
    [8, () => serverKilled('PostgreSQL', house.postgres, random)],
    [18, () => linkBroken(house, random)],
    [6, () => gatewayRefuses(house, random)],
    [10, () => stripeFails(house, random)],
    [6, () => disorder(house, random)],
  ])();
}

/** A lock on a job lasts ten seconds: a worker that sleeps longer wakes up to find its jobs done by another. */
const LONGER_THAN_A_LOCK_MS = [11_000, 14_000] as const;

function killed(keeper: Keeper, random: Random): Fault {
  return {
    name: `kill -9 ${keeper.name}`,
    target: keeper.name,
    forMs: random.between(0, 1_500),
    begin: () => keeper.kill(),
    end: () => keeper.start(),
  };
}

function frozen(keeper: Keeper, random: Random): Fault {
  const long = keeper.kind === 'worker' && random.chance(0.2);
  return {
    name: `freeze ${keeper.name}`,
    target: keeper.name,
    forMs: long ? random.between(...LONGER_THAN_A_LOCK_MS) : random.between(100, 4_000),
    begin: () => keeper.freeze(),
    end: () => keeper.thaw(),
  };
}

function restarted(keeper: Keeper, random: Random): Fault {
  return {
    name: `restart ${keeper.name}`,
    target: keeper.name,
    forMs: random.between(0, 300),
    begin: () => keeper.stop(),
    end: () => keeper.start(),
  };
}

type Server = { kill(): Promise<void>; start(): Promise<void> };

function serverKilled(name: string, server: Server, random: Random): Fault {
  return {
    name: `kill -9 ${name}`,
    target: name,
    forMs: random.between(0, 2_500),
    begin: () => server.kill(),
    end: () => server.start(),
  };
}

function redisFrozen({ redis }: House, random: Random): Fault {
  return {
    name: 'freeze Redis',
    target: 'Redis',
    forMs: random.between(100, 4_000),
    begin: () => redis.freeze(),
    end: () => redis.thaw(),
  };
}

function linkBroken({ links }: House, random: Random): Fault {
  const { name, link } = random.pick(links);
  const bytes = random.between(0, 3_000);
  const [how, begin] = random.weighted<readonly [string, () => void]>([
    [4, [`cut after ${bytes} more bytes of answers`, () => link.downAfterAnswering(bytes)]],
    [2, ['cut', () => link.down()]],
    [2, ['silent', () => link.silent()]],
  ]);
  return {
    name: `${name}: ${how}`,
    target: name,
    forMs: random.between(100, 4_000),
    begin,
    end: () => link.up(),
  };
}

function gatewayRefuses({ gatewayFront }: House, random: Random): Fault {
  const status = random.pick([500, 502, 503]);
  return {
    name: `gateway answers ${status}`,
    target: 'gateway front',
    forMs: random.between(200, 3_000),
    begin: () => gatewayFront.refuseWith(status),
    end: () => gatewayFront.heal(),
  };
}

function stripeFails({ sandbox }: House, random: Random): Fault {
  const kind = random.pick(['error', 'rate_limit', 'hang', 'reset', 'delay'] as const);
  return {
    name: `Stripe’s API: ${kind}`,
    target: 'Stripe’s API itself',
    forMs: random.between(300, 3_000),
    // Only what the service asks; the checkout's visitors are left in peace.
    begin: () => sandbox.faults.add({ kind, method: 'GET', times: 1_000, rate: 0.8, delayMs: 700 }),
    end: () => sandbox.faults.clear(),
  };
}

function disorder({ sandbox: { deliveries } }: House, random: Random): Fault {
  const [name, begin, end] = random.weighted<readonly [string, () => void, () => void]>([
    [
      1,
      [
        'Stripe holds events and shuffles them',
        () => deliveries.hold(),
        () => void deliveries.release({ order: 'shuffle' }),
      ],
    ],
    [
      1,
      [
        'Stripe delivers twice, late and mixed up',
        () => deliveries.setRules({ duplicates: random.between(1, 3), jitterMs: random.between(100, 3_000) }),
        () => deliveries.setRules({ duplicates: 1 }),
      ],
    ],
  ]);
  return { name, target: 'deliveries', forMs: random.between(500, 4_000), begin, end };
}
