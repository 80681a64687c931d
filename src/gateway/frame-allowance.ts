import { SECOND } from '../shared/duration.ts';

/** How many frames a browser may send: some at once, and few in the long run. */
export class FrameAllowance {
  readonly #burst: number;
  readonly #perMs: number;
  #left: number;
  #countedAt = performance.now();

  constructor({ frameBurst, framesPerSecond }: { frameBurst: number; framesPerSecond: number }) {
    this.#burst = frameBurst;
    this.#perMs = framesPerSecond / SECOND;
    this.#left = frameBurst;
  }

  /** Counts a frame. @returns whether it was allowed */
  take(): boolean {
    const now = performance.now();
    this.#left = Math.min(this.#burst, this.#left + (now - this.#countedAt) * this.#perMs);
    this.#countedAt = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
