import { setTimeout as sleep } from 'node:timers/promises';
import type { House } from '../house.ts';
import type { Random } from '../random.ts';
import type { Timeline } from '../timeline.ts';
import { drawFault } from './draw.ts';
import type { Fault } from './fault.ts';

/** Between the beginnings of two faults, in milliseconds. */
const GAP_MS = [50, 500] as const;
const AT_A_TIME = 4;

/** Faults that follow and overlap each other. */
export class Storm {
  readonly #house: House;
  readonly #random: Random;
  readonly #timeline: Timeline;
  readonly #active = new Map<string, Promise<void>>();
  begun = 0;
  readonly kinds = new Map<string, number>();

  constructor(house: House, random: Random, timeline: Timeline) {
    this.#house = house;
    this.#random = random;
    this.#timeline = timeline;
  }

  /** Lets this many faults happen; resolves when all of them are over. */
  async rage(faults: number): Promise<void> {
    for (let i = 0; i < faults; i++) {
      const fault = drawFault(this.#house, this.#random);
      while (this.#active.size >= AT_A_TIME) await Promise.race(this.#active.values());
      await this.#active.get(fault.target);
      this.#begin(fault);
      await sleep(this.#random.between(...GAP_MS));
    }
    await Promise.all(this.#active.values());
  }

  #begin(fault: Fault): void {
    this.begun += 1;
    const kind = fault.name.replaceAll(/ ?\d+/g, '');
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
    const over = this.#happen(fault, this.begun).finally(() => this.#active.delete(fault.target));
    this.#active.set(fault.target, over);
  }

  async #happen(fault: Fault, number: number): Promise<void> {
    this.#timeline.add(`#${number} ${fault.name} for ${fault.forMs} ms`);
    await fault.begin();
    await sleep(fault.forMs);
    await fault.end();
    this.#timeline.add(`#${number} is over`);
  }
}
