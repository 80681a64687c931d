import { expect } from 'chai';
import { problemsOf } from './support/kubernetes-schema.ts';
import { type Manifest, manifestFiles, manifests, manifestsOf } from './support/manifests.ts';

/** Of KEDA's and of kustomize's own, which Kubernetes' schema does not have. */
const OTHERS = ['keda.sh/v1alpha1', 'kustomize.config.k8s.io/v1beta1'];

type Labelled = Manifest & { metadata: { labels: Record<string, string> } };

describe('deploy/kubernetes and Kubernetes’ own schema', () => {
  for (const file of manifestFiles) {
    for (const manifest of manifestsOf(file)) {
      const { apiVersion, kind, metadata } = manifest;
      if (OTHERS.includes(apiVersion)) continue;
      it(`${file}: ${kind} ${metadata.name} has nothing that is wrong, missing or unknown`, async () => {
        expect(await problemsOf(manifest)).to.deep.equal([]);
      });
    }
  }

  it('would find what is wrong, missing or unknown', async () => {
    const [policy] = manifestsOf<Manifest & { spec: object }>('network.yaml');
    if (policy === undefined) throw new Error('network.yaml is empty');
    const broken = {
      ...policy,
      spec: { policyTypes: ['Inbound'], ingres: [], ingress: [{ ports: [{ port: { of: 'web' } }] }] },
    };
    const problems = (await problemsOf(broken)).join('\n');
    expect(problems).to.contain('/spec/policyTypes/0: enum').and.to.contain('/spec/ingres: unknown');
    expect(problems).to.contain('/spec/ingress/0/ports/0/port');
  });
});

describe('The namespace of deploy/kubernetes', () => {
  const [namespace] = manifestsOf<Labelled>('namespace.yaml');

  it('refuses pods that are not restricted', () => {
    expect(namespace?.metadata.labels).to.include({
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/warn': 'restricted',
      'pod-security.kubernetes.io/audit': 'restricted',
    });
  });

  it('is where everything goes: by the kustomization, and by name what is applied without it', () => {
    const [kustomization] = manifestsOf<{ namespace: string; resources: string[] }>('kustomization.yaml');
    expect(kustomization?.namespace).to.equal(namespace?.metadata.name);
    const alone = manifestFiles.filter(
      (file) => file !== 'kustomization.yaml' && !kustomization?.resources.includes(file),
    );
    expect(alone).to.have.members(['release.yaml', 'secrets.example.yaml']);
    for (const { kind, metadata } of alone.flatMap((file) => manifestsOf(file))) {
      expect(metadata.namespace, `${kind} ${metadata.name}`).to.equal(namespace?.metadata.name);
    }
  });

  it('holds no pod without limits for memory and processor', () => {
    type Container = { name: string; resources?: Record<'requests' | 'limits', Record<string, string>> };
    type Workload = Manifest & { spec: { template: { spec: { containers: Container[] } } } };
    const workloads = manifests<Workload>().filter(({ kind }) => ['Deployment', 'Job'].includes(kind));
    expect(workloads).not.to.be.empty;
    for (const { metadata, spec } of workloads) {
      for (const { resources } of spec.template.spec.containers) {
        for (const kind of ['requests', 'limits'] as const) {
          expect(resources?.[kind], metadata.name).to.have.all.keys('cpu', 'memory');
        }
      }
    }
  });
});
