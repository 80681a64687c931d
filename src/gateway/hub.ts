import type { Connection } from './connection.ts';

/** Whom a message is for. */
export type Address =
  | { readonly kind: 'user'; readonly userId: string }
  | { readonly kind: 'channel'; readonly channel: string }
  | { readonly kind: 'everyone' };

/** Told when a user's first socket on this process opens and when their last one closes. */
export type PresenceListener = { came(userId: string): void; went(userId: string): void };

/**
 * The sockets of this process, by user and by channel. It knows nothing of other processes: the bus brings it every
 * message, and it delivers to whom it has.
 */
export class Hub {
  readonly #connections = new Set<Connection>();
  readonly #byUser = new Map<string, Set<Connection>>();
  readonly #byChannel = new Map<string, Set<Connection>>();
  readonly #listener: PresenceListener;

  constructor(listener: PresenceListener) {
    this.#listener = listener;
  }

  join(connection: Connection): void {
    this.#connections.add(connection);
    if (add(this.#byUser, connection.userId, connection)) this.#listener.came(connection.userId);
  }

  leave(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    for (const channel of [...connection.channels]) this.unsubscribe(connection, channel);
    if (remove(this.#byUser, connection.userId, connection)) this.#listener.went(connection.userId);
  }

  subscribe(connection: Connection, channel: string): void {
    // A frame can still be read from a socket that is closing; it must not leave a trace.
    if (!this.#connections.has(connection)) return;
    connection.channels.add(channel);
    add(this.#byChannel, channel, connection);
  }

  unsubscribe(connection: Connection, channel: string): void {
    connection.channels.delete(channel);
    remove(this.#byChannel, channel, connection);
  }

  /** Hands a frame to every socket here that the address names. */
  deliver(address: Address, frame: string): void {
    for (const connection of this.#addressed(address)) connection.send(frame);
  }

  /** How many sockets a user has on this process. */
  connectionsOf(userId: string): number {
    return this.#byUser.get(userId)?.size ?? 0;
  }

  /** Users with a socket on this process. */
  users(): string[] {
    return [...this.#byUser.keys()];
  }

  connections(): Iterable<Connection> {
    return [...this.#connections];
  }

  /** Counts for this process. */
  stats(): { connections: number; users: number; channels: number } {
    return {
      connections: this.#connections.size,
      users: this.#byUser.size,
      channels: this.#byChannel.size,
    };
  }

  /** Copies, because sending may close a socket and so change the sets. */
  #addressed(address: Address): Connection[] {
    switch (address.kind) {
      case 'user':
        return [...(this.#byUser.get(address.userId) ?? [])];
      case 'channel':
        return [...(this.#byChannel.get(address.channel) ?? [])];
      case 'everyone':
        return [...this.#connections];
    }
  }
}

/** @returns whether it is the first under this key */
function add(sets: Map<string, Set<Connection>>, key: string, connection: Connection): boolean {
  const set = sets.get(key);
  if (set) {
    set.add(connection);
    return false;
  }
  sets.set(key, new Set([connection]));
  return true;
}

/** @returns whether it was the last under this key */
function remove(sets: Map<string, Set<Connection>>, key: string, connection: Connection): boolean {
  const set = sets.get(key);
  if (!set?.delete(connection) || set.size > 0) return false;
  return sets.delete(key);
}
