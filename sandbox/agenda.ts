interface Task {
  readonly key: string;
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * What the billing engine has to do later, in order of the sandbox clock.
 * A key holds one task at a time: setting it again moves the task.
 */
export class Agenda {
  #heap: Task[] = [];
  #current = new Map<string, Task>();
  #order = 0;

  /** @param at Unix seconds */
  set(key: string, at: number, run: () => void): void {
    const task: Task = { key, at, order: this.#order++, run };
    this.#current.set(key, task);
    this.#push(task);
  }

  cancel(key: string): void {
    this.#current.delete(key);
  }

  /** Unix seconds of a planned task, or null. */
  timeOf(key: string): number | null {
    return this.#current.get(key)?.at ?? null;
  }

  /** Takes the earliest task due at or before `until` (Unix seconds), or null. */
  takeDue(until: number): { at: number; run: () => void } | null {
    for (;;) {
      const first = this.#heap[0];
      if (!first) return null;
      // A moved or canceled task stays in the heap until it surfaces: removal from the middle costs more.
      if (this.#current.get(first.key) !== first) {
        this.#pop();
        continue;
      }
      if (first.at > until) return null;
      this.#pop();
      this.#current.delete(first.key);
      return first;
    }
  }

  clear(): void {
    this.#heap = [];
    this.#current.clear();
  }

  get size(): number {
    return this.#current.size;
  }

  #push(task: Task): void {
    const heap = this.#heap;
    heap.push(task);
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfEarlier(child, parent)) return;
      child = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    heap[0] = last;
    let parent = 0;
    for (;;) {
      const left = 2 * parent + 1;
      const right = left + 1;
      const smaller = right < heap.length && isEarlier(heap[right], heap[left]) ? right : left;
      if (smaller >= heap.length || !this.#swapIfEarlier(smaller, parent)) return;
      parent = smaller;
    }
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    const a = this.#heap[child];
    const b = this.#heap[parent];
    if (!a || !b || !isEarlier(a, b)) return false;
    this.#heap[child] = b;
    this.#heap[parent] = a;
    return true;
  }
}

function isEarlier(a: Task | undefined, b: Task | undefined): boolean {
  if (!a || !b) return false;
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
