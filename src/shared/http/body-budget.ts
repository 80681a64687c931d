const MIB = 1_024 * 1_024;

/** One body's part of a {@link BodyBudget}. */
export type BodyShare = {
  /**
   * Takes so many bytes more. When there is no room, bodies that have been arriving for longer give way first: one
   * that comes in one go is in nobody's way for long, and one that dawdles is no loss.
   * @returns whether there was room
   */
  take(bytes: number): boolean;
  /** All of it is here: from now on it makes room for nobody. */
  arrived(): void;
  /** Gives everything back. Safe to call twice. */
  release(): void;
};

/** The bytes of requests' bodies that are in memory at once, however many requests they are of. */
export class BodyBudget {
  readonly #maxBytes: number;
  /** How each body that is still arriving gives way, in the order in which they began. */
  readonly #arriving = new Map<BodyShare, () => void>();
  #bytes = 0;
  #refused = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes in hand. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many bodies there was no room for, since the process began. */
  get refused(): number {
    return this.#refused;
  }

  /** @param giveWay is called, at most once, when the bytes are needed by another; it releases them */
  open(giveWay: () => void): BodyShare {
    let held = 0;
    const share: BodyShare = {
      take: (bytes) => {
        if (!this.#makeRoom(bytes, share)) {
          this.#refused += 1;
          return false;
        }
        held += bytes;
        this.#bytes += bytes;
        return true;
      },
      arrived: () => void this.#arriving.delete(share),
      release: () => {
        this.#arriving.delete(share);
        this.#bytes -= held;
        held = 0;
      },
    };
    this.#arriving.set(share, giveWay);
    return share;
  }

  #makeRoom(bytes: number, share: BodyShare): boolean {
    for (const [elder, giveWay] of this.#arriving) {
      if (this.#bytes + bytes <= this.#maxBytes || elder === share) break;
      this.#refused += 1;
      giveWay();
      elder.release();
    }
    return this.#bytes + bytes <= this.#maxBytes;
  }
}

/**
 * The budget of this process. An eighth of what a container has (512 MiB in `deploy/`), and room for ten thousand of
 * Stripe's usual events.
 */
export const bodiesInHand = new BodyBudget(64 * MIB);
