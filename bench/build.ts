import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '../rig/process.ts';

/** Inside of the repository, so that the packages are found, and where git does not look. */
const OUT = '.rig/bench';

/** Scripts of the built service, relative to the repository. */
export const BUILT = {
  web: `${OUT}/src/api/main.js`,
  worker: `${OUT}/src/workers/main.js`,
  gateway: `${OUT}/src/gateway/main.js`,
} as const;

/** Builds what is deployed: measuring the sources would measure Node's type stripping and source maps, too. */
export async function buildService(): Promise<void> {
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
  const words = ['-p', 'tsconfig.build.json', '--outDir', OUT, '--sourceMap', 'false'];
  const child = spawn(tsc, words, { cwd: ROOT, stdio: ['ignore', 2, 2] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`tsc ${words.join(' ')} ended with ${code}`);
}
