import type { Hub } from './hub.ts';

/** How many logins are looked up at once, so that ten thousand sockets hold nobody up. */
const AT_ONCE = 100;

/** Looks after the open sockets of this process: whether somebody is still there, and still logged in. */
export class Heartbeat {
  readonly #hub: Hub;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #checkingLogins = false;

  constructor(hub: Hub, everyMs: number) {
    this.#hub = hub;
    this.#everyMs = everyMs;
  }

  start(): void {
    this.#timer = setInterval(() => {
      for (const connection of this.#hub.connections()) connection.checkAlive();
      void this.#checkLogins();
    }, this.#everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #checkLogins(): Promise<void> {
    // A Redis that answers slowly is not asked more for it.
    if (this.#checkingLogins) return;
    this.#checkingLogins = true;
    const connections = [...this.#hub.connections()];
    for (let from = 0; from < connections.length && this.#timer !== undefined; from += AT_ONCE) {
      await Promise.all(connections.slice(from, from + AT_ONCE).map((each) => each.checkLogin()));
    }
    this.#checkingLogins = false;
  }
}
