import { setTimeout as sleep } from 'node:timers/promises';
import type { House } from '../house.ts';
import type { Random } from '../random.ts';
import type { Timeline } from '../timeline.ts';
import { Member } from './member.ts';

const DAY = 86_400;
/** Between two steps of one user, in milliseconds; Stripe's times are whole seconds. */
const PAUSE_MS = [1_000, 3_000] as const;

/** Users who live their lives at Stripe while the service is being broken. */
export class Traffic {
  readonly #members: readonly Member[];
  readonly #random: Random;
  readonly #house: House;
  readonly #timeline: Timeline;
  readonly #lives: Promise<void>[] = [];
  #running = false;
  #paused = false;
  #daysLeft: number;
  steps = 0;

  /** @param days how far the sandbox's clock moves in all, in days */
  constructor(house: House, users: readonly number[], days: number, random: Random, timeline: Timeline) {
    this.#house = house;
    this.#daysLeft = days;
    this.#random = random;
    this.#timeline = timeline;
    this.#members = users.map(
      (userId) => new Member(userId, house.sandbox, house.stripe, random.fork(`user ${userId}`)),
    );
  }

  /** Writes the users' rows; nobody else makes users. */
  async register(database: string): Promise<void> {
    for (const { userId, email } of this.#members) {
      await this.#house.postgres.databases.query(
        database,
        'insert into users (id, username, email, email_verified) values ($1, $2, $3, true)',
        [userId, `user-${userId}`, email],
      );
    }
  }

  start(): void {
    this.#running = true;
    for (const member of this.#members) this.#lives.push(this.#live(member));
  }

  async #live(member: Member): Promise<void> {
    const random = this.#random.fork(`pace ${member.userId}`);
    while (this.#running) {
      await sleep(random.between(...PAUSE_MS));
      if (!this.#running || this.#paused) continue;
      const what = await member.step();
      this.steps += 1;
      this.#timeline.add(`user ${member.userId} ${what}`);
    }
  }

  /**
   * Lets days go by at Stripe: renewals, retries, ends.
   * @param most by default all that have not gone by yet
   */
  async passDays(most = this.#daysLeft): Promise<void> {
    const days = Math.min(this.#daysLeft, most);
    if (days < 1) return;
    this.#daysLeft -= days;
    this.#timeline.add(`${days} days go by at Stripe`);
    await this.#house.sandbox.advance(days * DAY);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#lives);
  }
}
