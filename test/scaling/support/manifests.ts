import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CORE_SCHEMA, loadAll } from 'js-yaml';
import { ROOT } from '../../../rig/process.ts';
import { read } from '../../deploy/support.ts';

/** Whatever `kubectl apply` takes. */
export type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
};

const DIRECTORY = 'deploy/kubernetes';

/** The files of deploy/kubernetes, by name. */
export const manifestFiles = readdirSync(join(ROOT, DIRECTORY));

/** Everything in a file of deploy/kubernetes. */
export function manifestsOf<T = Manifest>(file: string): T[] {
  return loadAll(read(`${DIRECTORY}/${file}`), { schema: CORE_SCHEMA }) as T[];
}

/** Everything in deploy/kubernetes. */
export function manifests<T = Manifest>(): T[] {
  return manifestFiles.flatMap((file) => manifestsOf<T>(file));
}
