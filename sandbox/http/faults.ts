import type { ErrorBody } from './errors.ts';

/** A way for the API to misbehave. */
export interface Fault {
  /**
   * `error` answers with `status`, `rate_limit` with 429, `hang` never answers, `reset` cuts the connection,
   * `delay` waits `delayMs` and then serves normally.
   */
  kind: 'error' | 'rate_limit' | 'hang' | 'reset' | 'delay';
  /** Only paths that begin with this. */
  path?: string | undefined;
  method?: 'GET' | 'POST' | 'DELETE' | undefined;
  /** How many requests it hits; 1 when absent. */
  times?: number | undefined;
  /** Chance of hitting a matching request, 0–1; always when absent. */
  rate?: number | undefined;
  /** For `error`; 500 when absent. */
  status?: number | undefined;
  /** For `error`: what Stripe would say instead, such as `{code, param, message}`. */
  error?: Partial<ErrorBody> | undefined;
  /** For `rate_limit`, in seconds. */
  retryAfterSeconds?: number | undefined;
  /** For `delay`, in ms of real time. */
  delayMs?: number | undefined;
  /** The request takes effect before its answer is lost, as when a network breaks late. */
  afterEffect?: boolean | undefined;
}

/** The misbehaviour that is planned. */
export class Faults {
  #planned: { fault: Fault; left: number }[] = [];
  #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  add(fault: Fault): void {
    this.#planned.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#planned = [];
  }

  /** The fault that hits this request, if any. */
  take(method: string, path: string): Fault | null {
    for (const entry of this.#planned) {
      const { fault } = entry;
      if (fault.method && fault.method !== method) continue;
      if (fault.path && !path.startsWith(fault.path)) continue;
      if (fault.rate !== undefined && this.#random() >= fault.rate) continue;
      entry.left -= 1;
      if (entry.left <= 0) this.#planned = this.#planned.filter((each) => each !== entry);
      return fault;
    }
    return null;
  }

  get planned(): Fault[] {
    return this.#planned.map(({ fault, left }) => ({ ...fault, times: left }));
  }
}
