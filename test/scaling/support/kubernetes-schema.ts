import type { Manifest } from './manifests.ts';

type Validate = ((data: unknown) => boolean) & {
  errors?: { instancePath: string; keyword: string }[] | null;
};

/**
 * What Kubernetes' own schema says against a manifest: fields that are missing, of another type or of another value, and
 * fields that it does not know. (`kubectl` refuses those too; the schema's checks alone pass over them.)
 */
export async function problemsOf(manifest: Manifest): Promise<string[]> {
  const { validate } = (await import(`kubernetes-models/_schemas/${schemaOf(manifest)}`)) as {
    validate: Validate;
  };
  const looked = new Set<string>();
  validate(watched(manifest, '', looked));
  return [
    ...(validate.errors ?? []).map(({ instancePath, keyword }) => `${instancePath}: ${keyword}`),
    ...pathsIn(manifest, '')
      .filter((path) => !looked.has(path))
      .map((path) => `${path}: unknown`),
  ];
}

/** `networking.k8s.io/v1` and `NetworkPolicy` to `IoK8sApiNetworkingV1NetworkPolicy`. */
function schemaOf({ apiVersion, kind }: Manifest): string {
  const [version = '', group = 'core'] = apiVersion.split('/').reverse();
  const [name = ''] = group.split('.');
  return `IoK8sApi${capital(name)}${capital(version)}${kind}`;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** The same thing, noting which fields somebody looks at: a schema looks at all that it knows. */
function watched<T>(value: T, path: string, looked: Set<string>): T {
  if (typeof value !== 'object' || value === null) return value;
  return new Proxy(value, {
    get(target, key, receiver) {
      const child = `${path}/${String(key)}`;
      looked.add(child);
      return watched(Reflect.get(target, key, receiver), child, looked);
    },
  });
}

function pathsIn(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => [
    `${path}/${key}`,
    ...pathsIn(child, `${path}/${key}`),
  ]);
}
