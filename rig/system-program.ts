import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { RigError } from './errors.ts';

const run = promisify(execFile);

const INSTALL_TIMEOUT_MS = 300_000;

/** A package manager we know how to use without a terminal. */
type Manager = {
  readonly command: string;
  readonly before?: readonly string[];
  readonly install: readonly string[];
  /** Homebrew refuses to run as root. */
  readonly asRoot: boolean;
};

const MANAGERS = {
  apt: {
    command: 'apt-get',
    before: ['update', '-q'],
    install: ['install', '-q', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120'],
    asRoot: true,
  },
  dnf: { command: 'dnf', install: ['install', '-y', '-q'], asRoot: true },
  apk: { command: 'apk', install: ['add', '-q'], asRoot: true },
  pacman: { command: 'pacman', install: ['-Sy', '--noconfirm', '--needed'], asRoot: true },
  brew: { command: 'brew', install: ['install', '-q'], asRoot: false },
} satisfies Record<string, Manager>;

export type ManagerName = keyof typeof MANAGERS;

export type WantedProgram = {
  /** As it appears in messages: `Redis server`. */
  readonly what: string;
  /** Names of the program; the first that is found is taken. */
  readonly commands: readonly string[];
  /** Packages that bring it; the first that can be installed is taken. */
  readonly packages: Readonly<Partial<Record<ManagerName, readonly string[]>>>;
};

/**
 * Debian's packages start a server on the default port when they are installed. We only want the program, and this is
 * how `invoke-rc.d` is told so: run level 1 starts no services.
 */
const QUIET_INSTALL = ['RUNLEVEL=1', 'DEBIAN_FRONTEND=noninteractive'];

/**
 * The path of a program: on the PATH, or installed with the system's package manager.
 * @param announce told, in one line, that something is about to be installed
 * @throws {RigError} saying how to get it
 */
export async function systemProgram(
  wanted: WantedProgram,
  announce: (line: string) => void,
): Promise<string> {
  const present = await firstOnPath(wanted.commands);
  if (present) return present;
  const reason = await install(wanted, announce);
  const installed = await firstOnPath(wanted.commands);
  if (installed) return installed;
  const ways = Object.entries(wanted.packages).map(([name, [first = '']]) => {
    const { command, install: words } = MANAGERS[name as ManagerName];
    return `\`${command} ${words[0]} ${first}\``;
  });
  throw new RigError(
    `A ${wanted.what} is needed and none is on the PATH${reason}. Install it (for instance ${ways.join(', ')}) ` +
      'and run this again.',
  );
}

/** @returns why it could not be installed, to be put into a sentence */
async function install(wanted: WantedProgram, announce: (line: string) => void): Promise<string> {
  for (const [name, packages] of Object.entries(wanted.packages)) {
    const manager: Manager = MANAGERS[name as ManagerName];
    if (!(await firstOnPath([manager.command]))) continue;
    const prefix = await privilege(manager);
    if (prefix === undefined) return `; ${manager.command} would need root, or sudo without a password`;
    announce(`No ${wanted.what} on the PATH: installing one with ${manager.command} …`);
    return installWith(manager, prefix, packages);
  }
  return '; no known package manager was found to install it with';
}

async function installWith(
  manager: Manager,
  prefix: readonly string[],
  packages: readonly string[],
): Promise<string> {
  if (manager.before) await attempt([...prefix, manager.command, ...manager.before]);
  let failure = '';
  for (const each of packages) {
    failure = await attempt([...prefix, manager.command, ...manager.install, each]);
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
async function privilege(manager: Manager): Promise<readonly string[] | undefined> {
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
