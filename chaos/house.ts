import Stripe from 'stripe';
import { Matcha } from '../rig/matcha.ts';
import { createSecrets, PRICES, type Secrets, serviceEnvironment } from '../rig/matcha-environment.ts';
import { MatchaGateway } from '../rig/matcha-gateway.ts';
import { type Link, startLink } from '../rig/outage.ts';
import type { Pile } from '../rig/pile.ts';
import { freePorts } from '../rig/ports.ts';
import { type PostgresServer, startPostgres } from '../rig/postgres.ts';
import { runToEnd } from '../rig/process.ts';
import { type RedisServer, startRedis } from '../rig/redis.ts';
import { createSandbox, type Sandbox } from '../sandbox/index.ts';
import { Front } from './front.ts';
import { Keeper, type Kind } from './keeper.ts';
import type { Recorder } from './recorder.ts';
import type { Timeline } from './timeline.ts';

export const DATABASE = 'matcha';
export const USERS_FROM = 1;

/** A link that can be broken, and whose it is. */
export type NamedLink = { readonly name: string; readonly link: Link };

/** The whole installation, with something to break between any two parts of it. */
export type House = {
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  readonly sandbox: Sandbox;
  /** Stripe as the people at the checkout use it. */
  readonly stripe: Stripe;
  readonly matcha: Matcha;
  readonly secrets: Secrets;
  readonly keepers: readonly Keeper[];
  readonly links: readonly NamedLink[];
  readonly gatewayFront: Front;
  /** Between workers and gateways, with the limiter of Matcha's own. Browsers, and Stripe's webhooks, go past it. */
  readonly limiter: MatchaGateway;
  /** Ports of the gateway processes: browsers talk to each. */
  readonly gatewayPorts: readonly number[];
  readonly webPorts: readonly number[];
  readonly env: Readonly<Record<string, string>>;
  /** Ids of the events that only tell whether somebody works; answered with 200 like others, and to be applied. */
  readonly canaries: Set<string>;
};

export type HouseOptions = {
  readonly seed: number;
  readonly webs: number;
  readonly workers: number;
  readonly gateways: number;
  /** Unix seconds of the sandbox's clock at the beginning. */
  readonly startAt: number;
  readonly recorder: Recorder;
  readonly timeline: Timeline;
  readonly violate: (what: string) => void;
};

/** Starts everything. Each process reaches PostgreSQL and Redis over links of its own, so that one alone can lose them. */
export async function openHouse(options: HouseOptions, pile: Pile): Promise<House> {
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis({ appendFsync: 'always' })]);
  pile.add(postgres);
  pile.add(redis);
  await postgres.databases.create(DATABASE);
  const webFront = pile.add(await Front.open());
  const gatewayFront = pile.add(await Front.open());
  const links: NamedLink[] = [];
  const link = async (name: string, port: number): Promise<number> => {
    const made = pile.add(await startLink(port));
    links.push({ name, link: made });
    return made.port;
  };
  const secrets = createSecrets();
  const webhookPort = await link('Stripe to gateway', gatewayFront.port);
  const sandbox = pile.add(await openSandbox(options, secrets, webhookPort));
  const stripePort = await link('Stripe’s API', sandbox.port);
  const limiter = pile.add(await MatchaGateway.open({ gateway: gatewayFront.url }));
  const broadcastPort = await link('workers to gateway', limiter.port);

  const [webPort = 0, gatewayPort = 0] = await freePorts(2);
  const local = (port: number): string => `http://127.0.0.1:${port}`;
  const env: Record<string, string> = {
    ...serviceEnvironment(
      {
        webPort,
        gatewayPort,
        sandboxPort: stripePort,
        database: postgres.databases.environment(DATABASE),
        redisUrl: redis.url,
        origin: gatewayFront.url,
      },
      secrets,
    ),
    PAIEMENTS_SERVICE_URL: webFront.url,
    GATEWAY_URL: local(broadcastPort),
    // Losing an event must not be made good by asking Stripe for it: the queue alone has to keep it.
    RECONCILE_INTERVAL_SECONDS: '0',
    DAILY_CHECKS: 'false',
    QUEUE_PREFIX: '{chaos}',
    SWEEP_INTERVAL_SECONDS: '3',
    STRIPE_TIMEOUT_MS: '3000',
  };
  await runToEnd({ name: 'migrate', script: 'src/shared/database/migrate-command.ts', env });
  const matcha = new Matcha({
    pile,
    postgres,
    redis,
    database: DATABASE,
    secrets,
    origin: gatewayFront.url,
    env,
  });

  const keepers: Keeper[] = [];
  const gatewayPorts: number[] = [];
  const webPorts: number[] = [];
  const ownLinks = async (name: string): Promise<Record<string, string>> => ({
    DB_PORT: String(await link(`${name} to PostgreSQL`, postgres.port)),
    REDIS_URL: redis.url.replace(/:\d+$/, `:${await link(`${name} to Redis`, redis.port)}`),
  });
  const keep = (kind: Kind, managed: ConstructorParameters<typeof Keeper>[1]): void => {
    keepers.push(new Keeper(kind, managed, options.timeline, options.violate));
  };
  for (let i = 0; i < options.webs; i++) {
    const [port = 0] = i === 0 ? [webPort] : await freePorts(1);
    webFront.serve(port);
    webPorts.push(port);
    keep(
      'web',
      await matcha.startWeb({ ...(await ownLinks(`web ${i + 1}`)), PAIEMENTS_SERVICE_PORT: String(port) }),
    );
  }
  for (let i = 0; i < options.gateways; i++) {
    const [port = 0] = i === 0 ? [gatewayPort] : await freePorts(1);
    gatewayFront.serve(port);
    gatewayPorts.push(port);
    keep(
      'gateway',
      await matcha.startGateway({ ...(await ownLinks(`gateway ${i + 1}`)), GATEWAY_PORT: String(port) }),
    );
  }
  for (let i = 0; i < options.workers; i++) {
    keep('worker', await matcha.startWorker(await ownLinks(`worker ${i + 1}`)));
  }
  const stripe = new Stripe(secrets.stripeKey, { ...sandbox.stripeOptions, maxNetworkRetries: 0 });
  return {
    postgres,
    redis,
    sandbox,
    stripe,
    matcha,
    secrets,
    keepers,
    links,
    gatewayFront,
    limiter,
    gatewayPorts,
    webPorts,
    env,
    canaries: new Set(),
  };
}

function openSandbox(
  { seed, startAt, recorder }: HouseOptions,
  secrets: Secrets,
  webhookPort: number,
): Promise<Sandbox> {
  return createSandbox({
    startAt,
    seed,
    prices: PRICES,
    webhook: { url: `http://127.0.0.1:${webhookPort}/api/stripe/webhook`, secret: secrets.webhookSecret },
    // It never gives up, as Stripe does not for three days; only faster.
    deliveries: {
      retryBaseMs: 200,
      retryMaxMs: 1_500,
      maxAttempts: 100_000,
      timeoutMs: 6_000,
      concurrency: 12,
    },
  }).then(async (sandbox) => {
    await recorder.attach(sandbox);
    return sandbox;
  });
}
