import type { Exit } from '../rig/child.ts';
import type { ManagedProcess } from '../rig/process.ts';
import { toError } from '../src/shared/errors.ts';
import type { Timeline } from './timeline.ts';

export type Kind = 'web' | 'worker' | 'gateway';

/**
 * One process and what is expected of it. Whatever it does that nobody did to it (it ends, or does not start) is a
 * violation; it is then started again, as a supervisor would, so that the run goes on.
 */
export class Keeper {
  readonly kind: Kind;
  readonly name: string;
  readonly #managed: ManagedProcess;
  readonly #timeline: Timeline;
  readonly #violate: (what: string) => void;
  #mayEnd = false;

  constructor(kind: Kind, managed: ManagedProcess, timeline: Timeline, violate: (what: string) => void) {
    this.kind = kind;
    this.name = managed.name;
    this.#managed = managed;
    this.#timeline = timeline;
    this.#violate = violate;
    this.#watch();
  }

  get pid(): number {
    return this.#managed.pid;
  }

  get lines(): readonly string[] {
    return this.#managed.lines;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#mayEnd = true;
    await this.#managed.kill();
  }

  /** SIGTERM; it has to end by itself with code 0. */
  async stop(): Promise<void> {
    this.#mayEnd = true;
    const exit = await this.#managed.stop();
    if (exit.code !== 0) {
      this.#violate(`${this.name} did not stop cleanly (${describe(exit)}): ${this.#lastLines()}`);
    }
  }

  freeze(): void {
    this.#managed.freeze();
  }

  thaw(): void {
    this.#managed.thaw();
  }

  /** Starts it, as often as it takes. */
  async start(): Promise<void> {
    for (;;) {
      try {
        this.#mayEnd = true;
        await this.#managed.start();
        this.#watch();
        return;
      } catch (thrown) {
        this.#violate(`${this.name} did not start: ${toError(thrown).message.slice(0, 2_000)}`);
      }
    }
  }

  #lastLines(): string {
    return this.#managed.lines.slice(-6).join(' | ').slice(0, 4_000);
  }

  #watch(): void {
    this.#mayEnd = false;
    const { pid } = this.#managed;
    void this.#managed.exited.then((exit) => {
      if (this.#mayEnd || this.#managed.pid !== pid) return;
      this.#violate(`${this.name} ended by itself (${describe(exit)}): ${this.#lastLines()}`);
      this.#timeline.add(`${this.name} is started again`);
      void this.start();
    });
  }
}

function describe({ code, signal }: Exit): string {
  return signal === null ? `code ${code}` : signal;
}
