import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** Installs what bench/package-lock.json names, unless it is there. */
export async function installPeers(): Promise<void> {
  if (isInstalled()) return;
  console.error('Installing the peers (npm ci in bench/) …');
  const child = spawn('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: HERE,
    stdio: ['ignore', 2, 2],
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`npm ci in ${HERE} ended with ${code}; see its messages above`);
}

/** The version of a peer that is measured. */
export function versionOf(name: string): string {
  return (JSON.parse(readFileSync(`${HERE}node_modules/${name}/package.json`, 'utf8')) as { version: string })
    .version;
}

function isInstalled(): boolean {
  const packages = (file: string): Record<string, { version?: string }> =>
    (JSON.parse(readFileSync(`${HERE}${file}`, 'utf8')) as { packages: Record<string, { version?: string }> })
      .packages;
  try {
    const present = packages('node_modules/.package-lock.json');
    return Object.entries(packages('package-lock.json')).every(
      ([path, { version }]) => path === '' || present[path]?.version === version,
    );
  } catch {
    return false;
  }
}
