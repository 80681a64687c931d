import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { baseEnvironment } from './base-environment.ts';
import { Child, describeExit, type Exit } from './child.ts';
import { LogBuffer } from './log-buffer.ts';
import { poll } from './poll.ts';

/** The repository's directory. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

const READY_TIMEOUT_MS = 30_000;
/** A little more than our processes allow themselves. */
const STOP_TIMEOUT_MS = 35_000;
const POLL_MS = 40;

/** How it is known that a process can be used: a URL that answers 2xx, or a line it writes. */
export type Readiness =
  | { readonly url: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly line: RegExp };

export type ProcessOptions = {
  /** As it appears in messages: `web`, `worker 2`. */
  readonly name: string;
  /** A script of this repository, for example `src/api/main.ts`. */
  readonly script: string;
  readonly args?: readonly string[];
  /** Everything it is told. Of our own environment it gets only PATH, HOME and the like. */
  readonly env: Readonly<Record<string, string>>;
  /** Absent: it is ready as soon as it runs. */
  readonly ready?: Readiness;
  readonly readyTimeoutMs?: number;
};

/** Starts one of our programs with the Node that runs us, and waits until it is ready. */
export async function startProcess(options: ProcessOptions): Promise<ManagedProcess> {
  const managed = new ManagedProcess(options);
  await managed.start();
  return managed;
}

/** Runs one of our programs to its end. @throws {RigError} with its last lines, unless it ends with code 0 */
export async function runToEnd(
  options: Omit<ProcessOptions, 'ready' | 'readyTimeoutMs'>,
): Promise<readonly string[]> {
  const managed = await startProcess(options);
  const exit = await managed.exited;
  if (exit.code !== 0) throw managed.failure(describeExit(exit));
  return managed.lines;
}

/** One of our programs as a process that can be stopped, killed, frozen and started again. */
export class ManagedProcess {
  readonly name: string;
  readonly #options: ProcessOptions;
  readonly #log = new LogBuffer();
  #env: Readonly<Record<string, string>>;
  #child: Child | undefined;

  constructor(options: ProcessOptions) {
    this.name = options.name;
    this.#options = options;
    this.#env = options.env;
  }

  get running(): boolean {
    return this.#child?.running ?? false;
  }

  /** @throws {RigError} when it was never started */
  get pid(): number {
    return this.#current().pid;
  }

  /** Resolves when the present run has ended; never rejects. */
  get exited(): Promise<Exit> {
    return this.#current().exited;
  }

  /** Its last lines, of all its runs. */
  get lines(): readonly string[] {
    return this.#log.lines;
  }

  /** @returns a function that ends the subscription */
  onLine(listener: (line: string) => void): () => void {
    return this.#log.onLine(listener);
  }

  /** Starts it and waits until it is ready. @param env replaces variables of the first start */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#env = { ...this.#env, ...env };
    this.#log.clear();
    this.#child = await Child.start({
      name: this.name,
      command: process.execPath,
      args: ['--enable-source-maps', join(ROOT, this.#options.script), ...(this.#options.args ?? [])],
      env: { ...baseEnvironment(), ...this.#env },
      cwd: ROOT,
      log: this.#log,
    });
    try {
      await this.#ready(this.#child);
    } catch (thrown) {
      await this.kill();
      throw thrown;
    }
  }

  async #ready(child: Child): Promise<void> {
    const { ready, readyTimeoutMs = READY_TIMEOUT_MS } = this.#options;
    if (ready === undefined) return;
    if ('line' in ready) {
      await child.waitForLine(ready.line, readyTimeoutMs);
      return;
    }
    let last = 'nothing answered';
    const answered = await poll(
      async () => {
        if (!child.running) return false;
        last = await answerOf(ready.url, ready.headers);
        return last === '' ? true : undefined;
      },
      { everyMs: POLL_MS, timeoutMs: readyTimeoutMs },
    );
    if (answered === true) return;
    if (answered === false) throw child.failure(describeExit(await child.exited));
    throw child.failure(`was not ready after ${readyTimeoutMs} ms: ${ready.url} ${last}`);
  }

  /** Waits for a line of the present run. */
  waitForLine(pattern: RegExp, timeoutMs: number): Promise<string> {
    return this.#current().waitForLine(pattern, timeoutMs);
  }

  /** SIGTERM, and SIGKILL when that takes longer than `timeoutMs`. */
  async stop(timeoutMs: number = STOP_TIMEOUT_MS): Promise<Exit> {
    return this.#current().end('SIGTERM', timeoutMs);
  }

  /** SIGKILL. */
  async kill(): Promise<Exit> {
    return this.#current().end('SIGKILL', STOP_TIMEOUT_MS);
  }

  async restart(env?: Readonly<Record<string, string>>): Promise<void> {
    await this.stop();
    await this.start(env);
  }

  /** Lets it hang as an overloaded machine would, until {@link thaw}. */
  freeze(): void {
    this.#current().signal('SIGSTOP');
  }

  thaw(): void {
    this.#current().signal('SIGCONT');
  }

  signal(signal: NodeJS.Signals): void {
    this.#current().signal(signal);
  }

  async close(): Promise<void> {
    if (this.running) await this.stop();
  }

  /** An error about this process that shows its last lines. */
  failure(what: string): Error {
    return this.#current().failure(what);
  }

  #current(): Child {
    if (this.#child === undefined) throw new Error(`${this.name} was not started`);
    return this.#child;
  }
}

/** @returns the empty string for a 2xx answer, else what was wrong with it */
async function answerOf(url: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(2_000) });
    const text = await response.text();
    return response.ok ? '' : `answered ${response.status} ${text.slice(0, 300)}`;
  } catch (thrown) {
    const { cause, message } = thrown as Error;
    return `did not answer (${cause instanceof Error ? cause.message : message})`;
  }
}
