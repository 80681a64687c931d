import { EventEmitter } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** How many of a process's last lines are kept. */
const KEPT_LINES = 2_000;
/** How many of them an error shows. */
const SHOWN_LINES = 25;

/** The last lines a process wrote, and the news of each further one. */
export class LogBuffer {
  readonly #lines: string[] = [];
  readonly #news = new EventEmitter<{ line: [string] }>().setMaxListeners(0);

  /** Starts reading a stream, line by line. */
  read(stream: Readable): void {
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) =>
      this.add(line),
    );
  }

  add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    this.#news.emit('line', line);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Forgets what was written so far, so that a search begins at now. */
  clear(): void {
    this.#lines.length = 0;
  }

  /** @returns a function that ends the subscription */
  onLine(listener: (line: string) => void): () => void {
    this.#news.on('line', listener);
    return () => void this.#news.off('line', listener);
  }

  /** The last lines, indented, for an error message. */
  tail(): string {
    if (this.#lines.length === 0) return '  (it wrote nothing)';
    return this.#lines
      .slice(-SHOWN_LINES)
      .map((line) => `  | ${line}`)
      .join('\n');
  }
}
