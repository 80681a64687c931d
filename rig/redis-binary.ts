import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { RigError } from './errors.ts';

const run = promisify(execFile);

const SERVERS = ['redis-server', 'valkey-server'];
const INSTALL_TIMEOUT_MS = 300_000;

/** How a system's package manager installs Redis; alternatives are tried in order until one succeeds. */
type PackageManager = {
  readonly command: string;
  readonly before?: readonly string[];
  readonly alternatives: readonly (readonly string[])[];
  /** Homebrew refuses to run as root. */
  readonly asRoot: boolean;
};

const MANAGERS: readonly PackageManager[] = [
  {
    command: 'apt-get',
    before: ['update', '-q'],
    alternatives: [
      ['install', '-q', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', 'redis-server'],
    ],
    asRoot: true,
  },
  {
    command: 'dnf',
    alternatives: [
      ['install', '-y', '-q', 'valkey'],
      ['install', '-y', '-q', 'redis'],
    ],
    asRoot: true,
  },
  {
    command: 'apk',
    alternatives: [
      ['add', '-q', 'redis'],
      ['add', '-q', 'valkey'],
    ],
    asRoot: true,
  },
  { command: 'pacman', alternatives: [['-Sy', '--noconfirm', '--needed', 'valkey']], asRoot: true },
  { command: 'brew', alternatives: [['install', '-q', 'redis']], asRoot: false },
];

/**
 * Debian's package starts a server on the default port when it is installed. We only want the program, and this is
 * how `invoke-rc.d` is told so: run level 1 starts no services.
 */
const QUIET_INSTALL = ['RUNLEVEL=1', 'DEBIAN_FRONTEND=noninteractive'];

/**
 * The Redis (or Valkey) server program: on the PATH, or installed with the system's package manager.
 * @param announce told, in one line, that something is about to be installed
 * @throws {RigError} saying how to get it
 */
export async function redisBinary(announce: (line: string) => void): Promise<string> {
  const present = await firstOnPath(SERVERS);
  if (present) return present;
  const reason = await install(announce);
  const installed = await firstOnPath(SERVERS);
  if (installed) return installed;
  throw new RigError(
    `A Redis server is needed and none is on the PATH${reason}. Install it (for instance \`apt-get install redis-server\`, ` +
      '`dnf install valkey`, `apk add redis` or `brew install redis`) and run this again.',
  );
}

/** @returns why it could not be installed, to be put into a sentence */
async function install(announce: (line: string) => void): Promise<string> {
  for (const manager of MANAGERS) {
    if (!(await firstOnPath([manager.command]))) continue;
    const prefix = await privilege(manager);
    if (prefix === undefined) return `; ${manager.command} would need root, or sudo without a password`;
    announce(`No Redis server on the PATH: installing one with ${manager.command} …`);
    return installWith(manager, prefix);
  }
  return '; no known package manager was found to install it with';
}

async function installWith(manager: PackageManager, prefix: readonly string[]): Promise<string> {
  if (manager.before) await attempt([...prefix, manager.command, ...manager.before]);
  let failure = '';
  for (const alternative of manager.alternatives) {
    failure = await attempt([...prefix, manager.command, ...alternative]);
    if (failure === '') return '';
  }
  return `; ${manager.command} could not install it (${failure})`;
}

/** @returns what went wrong, or the empty string */
async function attempt(words: readonly string[]): Promise<string> {
  const [command = '', ...args] = words;
  try {
    await run(command, args, { timeout: INSTALL_TIMEOUT_MS, maxBuffer: 32 * 1024 * 1024 });
    return '';
  } catch (thrown) {
    const { stderr, message } = thrown as Error & { stderr?: string };
    return (stderr?.trim() || message).split('\n').slice(-2).join(' ');
  }
}

/** @returns what to put before the command so that it may install, or undefined when it may not */
async function privilege(manager: PackageManager): Promise<readonly string[] | undefined> {
  if (!manager.asRoot) return [];
  if (process.getuid?.() === 0) return ['env', ...QUIET_INSTALL];
  const sudo = ['sudo', '-n'];
  return (await attempt([...sudo, 'true'])) === '' ? [...sudo, 'env', ...QUIET_INSTALL] : undefined;
}

async function firstOnPath(names: readonly string[]): Promise<string | undefined> {
  // Package managers install here, even when a minimal PATH leaves it out.
  const directories = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/bin',
    '/usr/sbin',
    '/opt/homebrew/bin',
  ];
  for (const name of names) {
    for (const directory of directories) {
      const path = join(directory, name);
      if (directory !== '' && (await executable(path))) return path;
    }
  }
  return undefined;
}

async function executable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
