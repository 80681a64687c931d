import { SECOND } from '../shared/duration.ts';

/** How long an upstream that took no connection is asked last, in milliseconds. */
const REST_MS = SECOND;

/** Several processes of the service that share its requests, each in its turn. */
export class Upstreams {
  readonly #urls: readonly string[];
  readonly #restsUntil = new Map<string, number>();
  #turn = 0;

  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  /** All of them: whose turn it is, then the others to fall back on. */
  inTurn(): string[] {
    const start = this.#turn % this.#urls.length;
    this.#turn += 1;
    const order = [...this.#urls.slice(start), ...this.#urls.slice(0, start)];
    const now = performance.now();
    const rests = (url: string): boolean => (this.#restsUntil.get(url) ?? 0) > now;
    return [...order.filter((url) => !rests(url)), ...order.filter(rests)];
  }

  /** It could not be reached. */
  failed(url: string): void {
    this.#restsUntil.set(url, performance.now() + REST_MS);
  }
}
