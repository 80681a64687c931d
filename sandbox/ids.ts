const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Lengths after the underscore, as Stripe's own; everything else gets 24. */
const LENGTHS: Record<string, number> = { cus: 14, prod: 14, si: 14, req: 14, cs_test: 58, bps: 24, il: 24 };

/** Makes Stripe-like ids; a seed makes the sequence repeatable. */
export class Ids {
  #random: () => number;

  constructor(seed: number | null) {
    this.#random = seed === null ? Math.random : seededRandom(seed);
  }

  /** `next('sub')` is something like `sub_1Qx…`. */
  next(prefix: string): string {
    return `${prefix}_${this.text(LENGTHS[prefix] ?? 24)}`;
  }

  text(length: number): string {
    let text = '';
    for (let i = 0; i < length; i++) text += LETTERS[Math.floor(this.#random() * LETTERS.length)] ?? '0';
    return text;
  }

  /** 0 ≤ x < 1, from the same source. */
  random(): number {
    return this.#random();
  }
}

// mulberry32: short, and good enough for ids, which only have to differ and guard nothing.
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
