const FIRST_BYTES = 4_096;

/**
 * Bytes in one piece that grows as they come. As a list of what came, small pieces would take a hundred times the
 * memory of what is in them.
 */
export class GrowingBytes {
  #memory = Buffer.alloc(0);
  #length = 0;

  /** @returns how much more memory it takes to append so many bytes */
  growthFor(bytes: number): number {
    const needed = this.#length + bytes;
    if (needed <= this.#memory.length) return 0;
    return Math.max(needed, 2 * this.#memory.length, FIRST_BYTES) - this.#memory.length;
  }

  append(chunk: Buffer): void {
    const growth = this.growthFor(chunk.length);
    if (growth > 0) {
      const memory = Buffer.allocUnsafeSlow(this.#memory.length + growth);
      this.#memory.copy(memory, 0, 0, this.#length);
      this.#memory = memory;
    }
    chunk.copy(this.#memory, this.#length);
    this.#length += chunk.length;
  }

  /** All bytes so far; the memory is shared with what comes next. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }
}
