import { execFile } from 'node:child_process';
import { expect } from 'chai';
import { baseEnvironment } from '../../rig/base-environment.ts';
import { type Matcha, startMatcha } from '../../rig/matcha.ts';
import { local } from '../../rig/matcha-environment.ts';
import { freePort } from '../../rig/ports.ts';
import { readWebConfig } from '../../src/api/index.ts';
import { readGatewayConfig } from '../../src/gateway/index.ts';
import { database, logging, readConfig } from '../../src/shared/config/index.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { openQueue } from '../../src/shared/queues/index.ts';
import { connectRedis } from '../../src/shared/redis.ts';
import { readWorkerConfig } from '../../src/workers/config.ts';
import { configuredVariables, instruction, procfile, read } from '../deploy/support.ts';
import { manifestFiles, manifests } from './support/manifests.ts';

type Ref = { name: string };
type Probe = {
  httpGet?: { path: string; port: string };
  exec?: { command: string[] };
  tcpSocket?: { port: string };
};
type Container = {
  name: string;
  image: string;
  command: string[];
  env?: { name: string; value: string }[];
  envFrom: { configMapRef?: Ref; secretRef?: Ref }[];
  ports?: { name: string; containerPort: number }[];
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  lifecycle?: { preStop: { sleep: { seconds: number } } };
  securityContext: Record<string, unknown>;
};
type PodSpec = {
  containers: [Container];
  terminationGracePeriodSeconds: number;
  securityContext: Record<string, unknown>;
  enableServiceLinks: boolean;
  automountServiceAccountToken: boolean;
};
type Labels = Record<string, string>;
type Resource = {
  kind: string;
  metadata: { name: string; labels?: Labels };
  data?: Record<string, string>;
  stringData?: Record<string, string>;
  resources?: string[];
  spec: {
    template: { metadata: { labels: Labels }; spec: PodSpec };
    selector: Labels & { matchLabels: Labels };
    replicas?: number;
    ports: { port: number; targetPort: string }[];
    scaleTargetRef: Ref;
    triggers: { type: string; metadata: Record<string, string> }[];
  };
};

const resources = manifests<Resource>();

function ofKind(...kinds: string[]): Resource[] {
  return resources.filter(({ kind }) => kinds.includes(kind));
}

function named(kind: string, name: string): Resource {
  const found = resources.filter((each) => each.kind === kind && each.metadata.name === name);
  if (found.length !== 1 || !found[0]) throw new Error(`There are ${found.length} ${kind} ${name}`);
  return found[0];
}

const workloads = ofKind('Deployment', 'Job');

function podOf(workload: Resource): PodSpec {
  return workload.spec.template.spec;
}

function containerOf(workload: Resource): Container {
  return podOf(workload).containers[0];
}

/** What a workload's process is told. */
function environmentOf(workload: Resource): Record<string, string> {
  const container = containerOf(workload);
  const given = container.envFrom.map(({ configMapRef, secretRef }) =>
    configMapRef
      ? named('ConfigMap', configMapRef.name).data
      : filledIn(named('Secret', secretRef?.name ?? '').stringData),
  );
  const own = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value]));
  return Object.assign({}, ...given, own);
}

/** The example's secrets with values of their own: production refuses to start with what is published. */
function filledIn(secrets: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, value]) => [
      name,
      value.replace(/placeholder(-change-me)?/g, 'f1ll3d1nf1ll3d1nf1ll3d1nf1ll3d1n'),
    ]),
  );
}

/** The process type of the Procfile that a workload runs. */
function typeOf({ metadata }: Resource): string {
  return metadata.name.replace(/^paiements-/, '').replaceAll('-', '_');
}

function portOf(container: Container, name: string): number {
  const port = container.ports?.find((each) => each.name === name)?.containerPort;
  if (port === undefined) throw new Error(`${container.name} has no port ${name}`);
  return port;
}

function includesAll(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

describe('deploy/kubernetes', () => {
  it('applies every file except the release, which runs before, and the example of the secrets', () => {
    const [kustomization] = ofKind('Kustomization');
    const others = ['kustomization.yaml', 'release.yaml', 'secrets.example.yaml'];
    expect(kustomization?.resources).to.have.members(manifestFiles.filter((file) => !others.includes(file)));
  });

  it('has one workload for every process, the workers by queue', () => {
    const types = Object.keys(procfile()).filter((type) => type !== 'worker');
    expect(workloads.map(typeOf)).to.have.members(types);
  });

  for (const workload of workloads) {
    describe(workload.metadata.name, () => {
      const container = containerOf(workload);
      const environment = environmentOf(workload);

      it('runs what the Procfile runs', () => {
        const settings = Object.entries(environment).filter(([name]) => name === 'WORKER_QUEUES');
        const prefix = settings.map(([name, value]) => `env ${name}=${value} `).join('');
        expect(`${prefix}${container.command.join(' ')}`).to.equal(procfile()[typeOf(workload)]);
      });

      it('gives it only variables that exist, and all that it needs', async () => {
        const known = await configuredVariables();
        for (const name of Object.keys(environment)) expect(known, name).to.include(name);
        readConfigOf(workload);
      });

      it('lets it neither be root nor write to its image', () => {
        const [uid, gid] = instruction('production', 'USER').split(':').map(Number);
        expect(podOf(workload).securityContext).to.deep.equal({
          runAsNonRoot: true,
          runAsUser: uid,
          runAsGroup: gid,
          seccompProfile: { type: 'RuntimeDefault' },
        });
        expect(container.securityContext).to.deep.equal({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(podOf(workload).automountServiceAccountToken).to.equal(false);
      });

      it('keeps Kubernetes from writing variables that ours might be taken for', () => {
        expect(podOf(workload).enableServiceLinks).to.equal(false);
      });

      if (workload.kind === 'Job') return;

      it('selects the pods it makes', () => {
        const { selector, template } = workload.spec;
        expect(template.metadata.labels).to.deep.equal(selector.matchLabels);
      });

      it('gives it longer to stop than it takes', () => {
        const [, seconds] =
          /STOP_WITHIN_MS = (\d+) \* SECOND/.exec(read('src/shared/start-process.ts')) ?? [];
        const before = container.lifecycle?.preStop.sleep.seconds ?? 0;
        expect(podOf(workload).terminationGracePeriodSeconds).to.be.above(Number(seconds) + before);
      });

      it('probes ports it has', () => {
        const { startupProbe, readinessProbe, livenessProbe } = container;
        expect(readinessProbe).not.to.equal(undefined);
        expect(livenessProbe).not.to.equal(undefined);
        for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
          const port = probe?.httpGet?.port ?? probe?.tcpSocket?.port;
          if (port !== undefined) expect(portOf(container, port)).to.be.above(0);
        }
      });
    });
  }

  it('tells each worker only what its queue needs', () => {
    const events = environmentOf(named('Deployment', 'paiements-worker-events'));
    const notifications = environmentOf(named('Deployment', 'paiements-worker-notifications'));
    expect(Object.keys(events)).not.to.include.members(['GATEWAY_URL']);
    expect(Object.keys(events)).not.to.include.members(['INTERNAL_API_KEY']);
    expect(Object.keys(notifications).filter((name) => name.startsWith('STRIPE_'))).to.deep.equal([]);
  });

  it('opens the ports that the processes listen on', () => {
    const web = named('Deployment', 'paiements-web');
    const gateway = named('Deployment', 'paiements-gateway');
    const config = readWebConfig(environmentOf(web));
    expect(portOf(containerOf(web), 'http')).to.equal(config.listening.port);
    expect(portOf(containerOf(gateway), 'http')).to.equal(
      readGatewayConfig(environmentOf(gateway)).listening.port,
    );
    for (const workload of workloads.filter((each) => /web|worker/.test(each.metadata.name))) {
      expect(portOf(containerOf(workload), 'metrics')).to.equal(config.monitoring.metricsPort);
    }
  });

  it('finds services by the names they have', () => {
    for (const service of ofKind('Service')) {
      const behind = workloads.filter(({ spec }) =>
        includesAll(spec.template.metadata.labels, service.spec.selector),
      );
      expect(behind, service.metadata.name).to.have.length(1);
      for (const { port, targetPort } of service.spec.ports) {
        expect(behind.map((workload) => portOf(containerOf(workload), targetPort))).to.deep.equal([port]);
      }
    }
    const [serviceUrl = ''] = readGatewayConfig(environmentOf(named('Deployment', 'paiements-gateway')))
      .paiementsService.urls;
    const gatewayUrl =
      readWorkerConfig(environmentOf(named('Deployment', 'paiements-worker-notifications'))).gateway?.url ??
      '';
    for (const url of [serviceUrl, gatewayUrl]) {
      const { hostname, port } = new URL(url);
      expect(named('Service', hostname).spec.ports.map((each) => each.port)).to.deep.equal([Number(port)]);
    }
  });

  it('keeps some of everything that users wait for while nodes are emptied', () => {
    const budgets = ofKind('PodDisruptionBudget');
    expect(budgets).to.have.length(4);
    for (const budget of budgets) {
      const deployment = named('Deployment', budget.metadata.name);
      expect(budget.spec.selector.matchLabels).to.deep.equal(deployment.spec.selector.matchLabels);
    }
  });

  it('leaves the number of pods to one of the two: a Deployment or what scales it', () => {
    const scaled = ofKind('ScaledObject', 'HorizontalPodAutoscaler').map(
      ({ spec }) => spec.scaleTargetRef.name,
    );
    for (const { metadata, spec } of ofKind('Deployment')) {
      expect(spec.replicas === undefined, metadata.name).to.equal(scaled.includes(metadata.name));
    }
  });

  it('scales by the list in which BullMQ keeps the waiting jobs of that worker’s queue', async () => {
    const logger = createLogger('test', 'silent');
    const redis = connectRedis(process.env.TEST_REDIS_URL ?? '', 'patient', logger);
    for (const { spec } of ofKind('ScaledObject')) {
      const deployment = named('Deployment', spec.scaleTargetRef.name);
      const { work, redis: config } = readWorkerConfig(environmentOf(deployment));
      const [name = 'maintenance'] = work.queues;
      const [trigger] = spec.triggers;
      // The same name under a prefix of this test's own: the key is BullMQ's prefix, then the rest.
      const prefix = `{scaling-${process.pid}}`;
      const queue = openQueue(name, redis, prefix);
      await queue.add('x', {} as never);
      await queue.add('y', {} as never);
      const key = String(trigger?.metadata.listName).replace(config.queuePrefix, prefix);
      expect(await redis.llen(key), key).to.equal(2);
      await queue.obliterate({ force: true });
      await queue.close();
      for (const variable of [trigger?.metadata.addressFromEnv, trigger?.metadata.passwordFromEnv]) {
        expect(environmentOf(deployment)).to.have.property(String(variable));
      }
    }
    redis.disconnect();
  });

  describe('its probes', function () {
    this.timeout(60_000);
    let matcha: Matcha;
    let metricsPort: number;

    before(async () => {
      metricsPort = await freePort();
      matcha = await startMatcha({ durability: 'fast', workers: 0 });
      await matcha.startWorker({ METRICS_PORT: String(metricsPort) });
    });
    after(() => matcha.close());

    it('ask what web and workers answer', async () => {
      for (const workload of ofKind('Deployment')) {
        const { startupProbe, readinessProbe, livenessProbe } = containerOf(workload);
        const base = workload.metadata.name === 'paiements-web' ? matcha.urls.web : local(metricsPort);
        for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
          if (!probe?.httpGet) continue;
          const { status } = await fetch(`${base}${probe.httpGet.path}`);
          expect(status, `${workload.metadata.name} ${probe.httpGet.path}`).to.equal(200);
        }
      }
    });

    it('find a gateway that works, and one that does not', async () => {
      const { readinessProbe } = containerOf(named('Deployment', 'paiements-gateway'));
      const [, ...args] = readinessProbe?.exec?.command ?? [];
      const { GATEWAY_PORT = '', INTERNAL_API_KEY = '' } = matcha.env;
      const probe = (env: Record<string, string>): Promise<boolean> =>
        new Promise((resolve) => {
          const options = { env: { ...baseEnvironment(), ...env } };
          execFile(process.execPath, args, options, (error) => resolve(error === null));
        });
      expect(await probe({ GATEWAY_PORT, INTERNAL_API_KEY })).to.equal(true);
      expect(await probe({ GATEWAY_PORT: String(await freePort()), INTERNAL_API_KEY })).to.equal(false);
    });
  });
});

/** Reads the configuration as the workload's process does. @throws ConfigError when something is missing or wrong */
function readConfigOf(workload: Resource): unknown {
  const environment = environmentOf(workload);
  const type = typeOf(workload);
  if (type === 'web') return readWebConfig(environment);
  if (type === 'gateway') return readGatewayConfig(environment);
  if (type === 'release') return readConfig({ logging, database }, environment);
  return readWorkerConfig(environment);
}
