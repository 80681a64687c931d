import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { RigError } from './errors.ts';
import { LogBuffer } from './log-buffer.ts';
import { tellReaper } from './reaper.ts';

/** How a process ended. */
export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type ChildOptions = {
  /** As it appears in error messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Whom to run it as; only root may choose. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Written to its standard input, which is then closed. */
  readonly input?: string;
  /** The signal that ends it best when this process has died without stopping it. Default SIGKILL. */
  readonly reaperSignal?: NodeJS.Signals;
  /** Where its lines are kept; one of its own by default. */
  readonly log?: LogBuffer;
};

/**
 * One child process: its lines are kept, its end is awaited, and it never outlives this process.
 * It leads a process group of its own, so that Ctrl-C reaches only us, who stop things in order.
 */
export class Child {
  readonly name: string;
  readonly pid: number;
  readonly log: LogBuffer;
  /** Resolves when it has ended; never rejects. */
  readonly exited: Promise<Exit>;
  #running = true;

  private constructor(name: string, pid: number, log: LogBuffer, process: ChildProcess) {
    this.name = name;
    this.pid = pid;
    this.log = log;
    this.exited = new Promise((resolve) => {
      process.once('close', (code, signal) => {
        this.#running = false;
        tellReaper({ forget: 'process', pid });
        resolve({ code, signal });
      });
    });
  }

  static async start(options: ChildOptions): Promise<Child> {
    const child = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...options.user,
    });
    const { pid } = child;
    if (pid === undefined) {
      const [error] = await once(child, 'error');
      throw new RigError(`Could not start ${options.name} (${options.command})`, { cause: error });
    }
    tellReaper({ watch: 'process', pid, signal: options.reaperSignal ?? 'SIGKILL' });
    const log = options.log ?? new LogBuffer();
    if (child.stdout) log.read(child.stdout);
    if (child.stderr) log.read(child.stderr);
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input);
    return new Child(options.name, pid, log, child);
  }

  get running(): boolean {
    return this.#running;
  }

  /** Signals the whole process group; a process that has ended already is left alone. */
  signal(signal: NodeJS.Signals): void {
    if (!this.#running) return;
    try {
      process.kill(-this.pid, signal);
    } catch (thrown) {
      // It ended a moment ago and we have not been told yet.
      if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
    }
  }

  /** Asks it to end with `signal`, and ends it with SIGKILL when that takes longer than `timeoutMs`. */
  async end(signal: NodeJS.Signals, timeoutMs: number): Promise<Exit> {
    this.signal(signal);
    // A frozen process would not see the signal before it is thawed.
    this.signal('SIGCONT');
    const timer = setTimeout(() => this.signal('SIGKILL'), timeoutMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Waits for a line it writes, or has already written.
   * @throws {RigError} with its last lines, when it ends first or `timeoutMs` pass
   */
  async waitForLine(pattern: RegExp, timeoutMs: number): Promise<string> {
    const found = this.log.lines.find((line) => pattern.test(line));
    if (found !== undefined) return found;
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        unsubscribe();
        finish();
      };
      const unsubscribe = this.log.onLine((line) => {
        if (pattern.test(line)) settle(() => resolve(line));
      });
      const timer = setTimeout(
        () => settle(() => reject(this.failure(`did not write ${pattern} within ${timeoutMs} ms`))),
        timeoutMs,
      );
      void this.exited.then((exit) => settle(() => reject(this.failure(describeExit(exit)))));
    });
  }

  /** An error about this process that shows the last lines it wrote. */
  failure(what: string): RigError {
    return new RigError(`${this.name} ${what}. Its last lines:\n${this.log.tail()}`);
  }
}

export function describeExit({ code, signal }: Exit): string {
  return signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
}
