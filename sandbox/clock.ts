import type { Agenda } from './agenda.ts';

/** Real time between two looks at the agenda while the clock runs. */
const TICK_MS = 500;
/** After so many tasks an advance lets requests and deliveries have their turn. */
const TASKS_PER_TURN = 50;

/** The sandbox's time, in Unix seconds. It runs with real time or stands still; `advance` moves it. */
export class Clock {
  #agenda: Agenda;
  #frozen: boolean;
  #base: number;
  #realBase: number = Date.now();
  #timer: NodeJS.Timeout | null = null;
  #advancing: Promise<void> = Promise.resolve();
  /** Stands still while the agenda is worked through. */
  #holds = false;

  constructor(agenda: Agenda, startAt: number | null, frozen: boolean) {
    this.#agenda = agenda;
    this.#frozen = frozen;
    this.#base = startAt ?? Date.now() / 1000;
  }

  /** Unix seconds. */
  get now(): number {
    return Math.floor(this.#exact);
  }

  // With its fraction: rounding at every tick would lose the half seconds, and the clock would never get on.
  get #exact(): number {
    const stands = this.#frozen || this.#holds;
    return stands ? this.#base : this.#base + (Date.now() - this.#realBase) / 1000;
  }

  /** Does whatever is due as real time passes. */
  start(): void {
    if (this.#frozen || this.#timer) return;
    this.#timer = setInterval(() => {
      // Nobody waits for a tick, so nobody else would hear of its failure.
      this.advanceTo(this.now).catch((error: unknown) =>
        console.error('sandbox: a planned step failed:', error),
      );
    }, TICK_MS);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** @param seconds how far to move; everything due on the way is done, in order */
  advance(seconds: number): Promise<void> {
    return this.#queue(() => this.now + seconds);
  }

  /** @param unixSeconds where to move; a time in the past only does what is due now */
  advanceTo(unixSeconds: number): Promise<void> {
    return this.#queue(() => Math.max(unixSeconds, this.now));
  }

  // Two advances at once would let the second one's tasks run at the first one's times.
  #queue(target: () => number): Promise<void> {
    const done = this.#advancing.then(() => this.#runTo(target()));
    this.#advancing = done.catch(() => undefined);
    return done;
  }

  async #runTo(target: number): Promise<void> {
    this.#base = this.#exact;
    this.#realBase = Date.now();
    this.#holds = true;
    try {
      let count = 0;
      for (let task = this.#agenda.takeDue(target); task; task = this.#agenda.takeDue(target)) {
        this.#base = Math.max(this.#base, task.at);
        task.run();
        count += 1;
        if (count % TASKS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      this.#base = Math.max(this.#base, target);
    } finally {
      // A running clock also counts the time that this took.
      this.#holds = false;
    }
  }
}
