import { expect } from 'chai';
import { manifests } from './support/manifests.ts';
import { Network, type NetworkPolicy, type Pod } from './support/network-policies.ts';

type Workload = {
  kind: string;
  metadata: { name: string };
  spec: {
    template: {
      metadata: { labels: Record<string, string> };
      spec: { containers: { ports?: Pod['ports'] }[] };
    };
  };
};
type Kustomization = { kind: string; namespace: string };

const all = manifests<{ kind: string }>();
const [{ namespace = '' } = {}] = all.filter(({ kind }) => kind === 'Kustomization') as Kustomization[];
const policies = all.filter(({ kind }) => kind === 'NetworkPolicy') as NetworkPolicy[];
const network = new Network(policies, namespace);

const ours = new Map(
  (all.filter(({ kind }) => kind === 'Deployment' || kind === 'Job') as Workload[]).map(
    ({ metadata, spec }) => [
      metadata.name.replace(/^paiements-/, ''),
      {
        namespace,
        labels: spec.template.metadata.labels,
        ports: spec.template.spec.containers.flatMap(({ ports = [] }) => ports),
      },
    ],
  ),
);

function pod(name: string): Pod {
  const found = ours.get(name);
  if (found === undefined) throw new Error(`There is no ${name} in deploy/kubernetes`);
  return found;
}

function other(ns: string, labels: Record<string, string>): Pod {
  return { namespace: ns, labels };
}

const POSTGRES = other('matcha', { 'app.kubernetes.io/name': 'postgresql' });
const REDIS = other('matcha', { 'app.kubernetes.io/name': 'redis' });
const MATCHAS_GATEWAY: Pod = {
  ...other('matcha', { 'app.kubernetes.io/component': 'gateway' }),
  ports: [{ name: 'http', containerPort: 8080 }],
};
const INGRESS = other('ingress-nginx', { 'app.kubernetes.io/name': 'ingress-nginx' });
const PROMETHEUS = other('monitoring', { 'app.kubernetes.io/name': 'prometheus' });
const DNS = other('kube-system', { 'k8s-app': 'kube-dns' });
const STRANGER = other('default', {
  'app.kubernetes.io/name': 'redis',
  'app.kubernetes.io/component': 'gateway',
});
const UNLABELLED = other(namespace, {});
const LETTERS: Pod = {
  namespace,
  labels: { ...pod('worker-notifications').labels, 'paiements/sends-letters': 'true' },
};

const STRIPE = '54.187.174.169';
const STRIPE_IPV6 = '2600:1f14::1';
const METADATA = '169.254.169.254';
const WORKERS = ['worker-events', 'worker-notifications', 'worker-maintenance'];
const EVERYBODY = ['web', ...WORKERS, 'gateway', 'release'];

/** Of all our pods, those that reach an end. */
function whoReaches(to: Pod | string, port: number): string[] {
  return [...ours.keys()].filter((name) => network.allows(pod(name), to, port));
}

/** Of all our pods, those that an end reaches. */
function whatIsReached(from: Pod | string, port: number): string[] {
  return [...ours.keys()].filter((name) => network.allows(from, pod(name), port));
}

describe('deploy/kubernetes: who may speak to whom', () => {
  it('knows every workload', () => {
    expect([...ours.keys()]).to.have.members(EVERYBODY);
  });

  it('denies both directions to every pod of the namespace, also to one without labels', () => {
    for (const each of [...ours.values(), UNLABELLED]) {
      const types = network.selecting(each).flatMap(({ spec }) => spec.policyTypes);
      expect(types).to.include.members(['Ingress', 'Egress']);
    }
    for (const to of [STRIPE, METADATA, POSTGRES, REDIS, pod('web')]) {
      expect(network.allows(UNLABELLED, to, 443), 'from a pod without labels').to.equal(false);
    }
  });

  it('lets web hear a gateway, and nobody else', () => {
    expect(network.allows(pod('gateway'), pod('web'), 8_085)).to.equal(true);
    expect(network.allows(MATCHAS_GATEWAY, pod('web'), 8_085)).to.equal(true);
    for (const from of [STRANGER, INGRESS, PROMETHEUS, STRIPE, ...WORKERS.map(pod)]) {
      expect(network.allows(from, pod('web'), 8_085)).to.equal(false);
    }
  });

  it('lets the ingress reach the gateway alone', () => {
    expect(whatIsReached(INGRESS, 8_080)).to.deep.equal(['gateway']);
    expect(whatIsReached(INGRESS, 8_085)).to.deep.equal([]);
    expect(whatIsReached(STRANGER, 8_080)).to.deep.equal([]);
  });

  it('lets Prometheus read the metrics, and nobody else', () => {
    expect(whatIsReached(PROMETHEUS, 9_464)).to.have.members(['web', ...WORKERS]);
    for (const from of [STRANGER, INGRESS, MATCHAS_GATEWAY, pod('gateway'), pod('web')]) {
      expect(whatIsReached(from, 9_464)).to.deep.equal([]);
    }
  });

  it('lets those reach PostgreSQL and Redis that use them', () => {
    expect(whoReaches(POSTGRES, 5_432)).to.have.members(['web', ...WORKERS, 'release']);
    expect(whoReaches(REDIS, 6_379)).to.have.members(['web', ...WORKERS, 'gateway']);
    expect(whoReaches(STRANGER, 6_379), 'a pod of another namespace that calls itself Redis').to.deep.equal(
      [],
    );
  });

  it('lets those reach Stripe that call it, and nothing inside by the same way', () => {
    for (const address of [STRIPE, STRIPE_IPV6]) {
      expect(whoReaches(address, 443)).to.have.members(['web', 'worker-events', 'worker-maintenance']);
      expect(whoReaches(address, 80)).to.deep.equal([]);
    }
    for (const inside of [
      METADATA,
      '10.0.0.1',
      '172.16.9.9',
      '192.168.1.1',
      '127.0.0.1',
      '100.64.0.1',
      'fd00::1',
    ]) {
      expect(whoReaches(inside, 443), inside).to.deep.equal([]);
    }
  });

  it('lets the notifications’ worker tell a gateway, and no other worker', () => {
    expect(whoReaches(pod('gateway'), 8_080)).to.deep.equal(['worker-notifications']);
    expect(whoReaches(MATCHAS_GATEWAY, 8_080)).to.deep.equal(['worker-notifications']);
  });

  it('lets who sends letters reach a mail server, and nobody else', () => {
    for (const port of [465, 587]) {
      expect(network.allows(LETTERS, STRIPE, port)).to.equal(true);
      expect(whoReaches(STRIPE, port)).to.deep.equal([]);
      expect(network.allows(LETTERS, '10.0.0.1', port)).to.equal(false);
    }
    expect(network.allows(LETTERS, STRIPE, 25)).to.equal(false);
  });

  it('lets everybody ask for names, the cluster’s servers only', () => {
    for (const protocol of ['UDP', 'TCP']) {
      for (const each of ours.values()) expect(network.allows(each, DNS, 53, protocol)).to.equal(true);
    }
    expect(whoReaches(STRIPE, 53)).to.deep.equal([]);
  });
});
