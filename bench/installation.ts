import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Matcha } from '../rig/matcha.ts';
import { createSecrets, local, sandboxEnvironment, serviceEnvironment } from '../rig/matcha-environment.ts';
import { freePorts } from '../rig/ports.ts';
import { ManagedProcess, type Readiness, ROOT, runToEnd } from '../rig/process.ts';
import type { RedisServer } from '../rig/redis.ts';
import { BUILT } from './build.ts';
import type { House } from './house.ts';

export type Counted = { total: number; distinct: number };

/** An installation of the built service, and a cheap gateway that counts what it is told. */
export type Installation = {
  readonly matcha: Matcha;
  readonly redis: RedisServer;
  readonly web: ManagedProcess;
  readonly worker: ManagedProcess;
  /** Only with the reference gateway. */
  readonly gateway: ManagedProcess;
  counted(): Promise<Counted>;
  stop(): Promise<void>;
};

export type InstallationOptions = {
  /** Without, events stay in the queue. */
  readonly worker?: boolean;
  /** `counting` (default) sends notifications to the counter, `reference` to the real thing. */
  readonly gateway?: 'counting' | 'reference';
  readonly redis?: RedisServer;
};

/** Starts one web, one worker, one gateway of either kind, and the sandbox for what the worker asks when it starts. */
export async function startInstallation(
  house: House,
  database: string,
  { worker: hasWorker = true, gateway: kind = 'counting', redis = house.redis }: InstallationOptions = {},
): Promise<Installation> {
  const { postgres, pile } = house;
  await postgres.databases.create(database);
  const [webPort = 0, gatewayPort = 0, sandboxPort = 0] = await freePorts(3);
  const secrets = createSecrets();
  const addresses = {
    webPort,
    gatewayPort,
    sandboxPort,
    database: postgres.databases.environment(database),
    redisUrl: redis.url,
    origin: local(gatewayPort),
  };
  const env = { ...serviceEnvironment(addresses, secrets), QUEUE_PREFIX: `{${database}}` };
  await runToEnd({ name: 'migrate', script: 'src/shared/database/migrate-command.ts', env });

  const start = async (name: string, script: string, variables: Record<string, string>, ready: Readiness) => {
    const env = { ...variables, ...withFlags(name) };
    const managed = pile.add(new ManagedProcess({ name, script, env, ready }));
    await managed.start();
    return managed;
  };
  const own = [
    await start('web', BUILT.web, env, { url: `${local(webPort)}/health/ready` }),
    kind === 'reference'
      ? await start('gateway', BUILT.gateway, env, {
          url: `${local(gatewayPort)}/api/internal/health`,
          headers: { 'x-internal-key': secrets.internalKey },
        })
      : await start(
          'counting gateway',
          'bench/receivers/counting-gateway.ts',
          { COUNTER_PORT: String(gatewayPort), INTERNAL_API_KEY: secrets.internalKey },
          { line: /counter ready/ },
        ),
    await start('sandbox', 'sandbox/main.ts', sandboxEnvironment(addresses, secrets), {
      line: /sandbox listening on/,
    }),
    ...(hasWorker ? [await start('worker', BUILT.worker, env, { line: /worker ready/i })] : []),
  ];
  const named = (name: string): ManagedProcess => {
    const found = own.find((each) => each.name === name);
    if (!found) throw new Error(`This installation has no ${name}`);
    return found;
  };
  return {
    matcha: new Matcha({ pile, postgres, redis, database, secrets, origin: addresses.origin, env }),
    redis,
    get web() {
      return named('web');
    },
    get worker() {
      return named('worker');
    },
    get gateway() {
      return named('gateway');
    },
    counted: async () => (await fetch(local(gatewayPort))).json() as Promise<Counted>,
    async stop() {
      for (const each of own.toReversed()) await each.stop();
    },
  };
}

/**
 * The flags that the Procfile starts a process with. With `BENCH_PROFILE=/some/directory` every process also leaves a
 * CPU profile there when it ends.
 */
function withFlags(name: string): Record<string, string> {
  const procfile = readFileSync(join(ROOT, 'Procfile'), 'utf8');
  const flags = [new RegExp(`^${name}: node (--.*) dist/`, 'm').exec(procfile)?.[1]];
  const directory = process.env.BENCH_PROFILE;
  if (directory) flags.push(`--cpu-prof --cpu-prof-dir=${directory}/${name.replaceAll(' ', '-')}`);
  return { NODE_OPTIONS: flags.join(' ') };
}
