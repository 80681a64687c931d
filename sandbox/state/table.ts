/** Rows of one kind of object, in order of creation. */
export class Table<T extends { id: string }> {
  #rows: T[] = [];
  #byId = new Map<string, T>();

  insert(row: T): T {
    if (this.#byId.has(row.id)) throw new Error(`there is already an object with id ${row.id}`);
    this.#rows.push(row);
    this.#byId.set(row.id, row);
    return row;
  }

  get(id: string): T | undefined {
    return this.#byId.get(id);
  }

  /** For ids this sandbox wrote itself, where absence is a bug and not a caller's mistake. */
  must(id: string): T {
    const row = this.#byId.get(id);
    if (!row) throw new Error(`no object with id ${id}`);
    return row;
  }

  delete(id: string): void {
    if (!this.#byId.delete(id)) return;
    this.#rows = this.#rows.filter((row) => row.id !== id);
  }

  /** Newest first, as Stripe lists. */
  *newest(): Generator<T> {
    for (let i = this.#rows.length - 1; i >= 0; i--) {
      const row = this.#rows[i];
      if (row) yield row;
    }
  }

  find(test: (row: T) => boolean): T | undefined {
    return this.#rows.findLast(test);
  }

  filter(test: (row: T) => boolean): T[] {
    return this.#rows.filter(test);
  }

  clear(): void {
    this.#rows = [];
    this.#byId.clear();
  }

  get size(): number {
    return this.#rows.length;
  }
}
