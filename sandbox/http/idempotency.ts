import { DAY } from '../config.ts';
import { ApiError } from './errors.ts';

interface Answer {
  status: number;
  body: string;
}

interface Entry {
  fingerprint: string;
  createdAt: number;
  answer: Answer | null;
}

/** Remembers the answers to requests with an `Idempotency-Key`, for a day of the sandbox clock. */
export class IdempotencyKeys {
  #entries = new Map<string, Entry>();

  /**
   * @param now Unix seconds
   * @returns the answer the key already has, or null for a key to run now
   */
  begin(key: string, fingerprint: string, now: number): Answer | null {
    if (key.length > 255) throw ApiError.invalid('Idempotency keys may have at most 255 characters.');
    const entry = this.#entries.get(key);
    if (!entry || entry.createdAt + DAY <= now) {
      this.#entries.set(key, { fingerprint, createdAt: now, answer: null });
      return null;
    }
    if (entry.fingerprint !== fingerprint) {
      throw ApiError.idempotency(
        400,
        `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
      );
    }
    if (!entry.answer) {
      throw ApiError.idempotency(
        409,
        `There is currently another in-progress request using this Idempotent Key (${key}). Please wait until it completes before trying again.`,
      );
    }
    return entry.answer;
  }

  /** Only requests that began to run are remembered; one refused for its parameters may be corrected. */
  finish(key: string, answer: Answer): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    if (answer.status < 400 || answer.status === 402 || answer.status >= 500) entry.answer = answer;
    else this.#entries.delete(key);
  }

  abandon(key: string): void {
    if (this.#entries.get(key)?.answer === null) this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
