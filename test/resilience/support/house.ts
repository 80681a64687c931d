import { Redis } from 'ioredis';
import Stripe from 'stripe';
import { poll } from '../../../rig/poll.ts';
import { signatureHeader } from '../../../sandbox/index.ts';
import { Member } from '../../stories/support/member.ts';
import { WEBHOOK_SECRET, World } from '../../stories/support/world.ts';
import { emptyTables, type FinalState, facts, finalState } from './final-state.ts';
import type { Life, Lifecycle } from './lifecycles.ts';
import { NEWEST, type RecordedEvent, Recorder, type Version } from './recorder.ts';

/** The user that every lifecycle is about. */
const USER = 42;
const EMAIL = 'lea@example.com';
const WORKERS = 3;
const NOTICE_TIMEOUT_MS = 10_000;

/** One delivery of an event. */
export type Arrival = {
  readonly event: RecordedEvent;
  readonly version: Version;
  /** By HTTP as Stripe does, or as a second job as the sweep makes one. */
  readonly by: 'http' | 'job';
};

/** What came of a set of deliveries. */
export type Outcome = {
  readonly state: FinalState;
  /** Every fact that was announced, sorted. */
  readonly facts: string[];
};

/** The whole service with several sets of workers, beside a sandbox whose events only come when a test says so. */
export class House {
  readonly world: World;
  readonly stripe: Stripe;
  readonly #recorder: Recorder;
  readonly #member: Member;
  readonly #redis = new Redis(process.env.TEST_REDIS_URL ?? '');
  #cases = 0;
  #stuck = false;

  private constructor(world: World, recorder: Recorder, member: Member) {
    this.world = world;
    this.stripe = new Stripe('sk_test_life', { ...world.sandbox.stripeOptions, maxNetworkRetries: 0 });
    this.#recorder = recorder;
    this.#member = member;
  }

  static async open({ billing, env }: Pick<Lifecycle, 'billing' | 'env'> = {}): Promise<House> {
    const recorder = await Recorder.start();
    const world = await World.start({
      workers: WORKERS,
      env: { ...env },
      sandbox: {
        ...(billing ? { billing } : {}),
        webhook: { url: recorder.urlOf(NEWEST), secret: WEBHOOK_SECRET, apiVersion: NEWEST },
      },
    });
    return new House(world, recorder, await Member.open(world, USER, EMAIL));
  }

  /**
   * Lives a life. Where it pauses, the service is told what has happened since.
   * @param tell called with the events since the last pause; absent: nobody is told anything
   */
  async live(
    lifecycle: Lifecycle,
    tell: (events: readonly RecordedEvent[]) => Promise<void> = async () => undefined,
  ): Promise<RecordedEvent[]> {
    const { sandbox } = this.world;
    await this.#recorder.attach(sandbox, this.stripe);
    const { id: customer } = await this.stripe.customers.create({
      email: EMAIL,
      metadata: { user_id: String(USER) },
    });
    await this.freshRows();
    const events: RecordedEvent[] = [];
    const told = async (): Promise<void> => {
      const fresh = await this.#recorder.take(sandbox);
      events.push(...fresh);
      await tell(fresh);
    };
    const life: Life = { stripe: this.stripe, sandbox, userId: USER, email: EMAIL, customer, told };
    await lifecycle.live(life);
    await told();
    return events;
  }

  /** Tables with nothing in them but the user, who is listening. */
  async freshRows(): Promise<void> {
    await this.#dropStuckJobs();
    await emptyTables(this.world.orm);
    await this.#forgetAnnouncements();
    await this.world.orm.em
      .fork()
      .execute('insert into users (id, username, email, email_verified) values (?, ?, ?, true)', [
        USER,
        'lea',
        EMAIL,
      ]);
    this.#member.forget();
    this.#cases += 1;
  }

  /** The same facts are told again in every case, and a gateway that remembers them would keep quiet. */
  async #forgetAnnouncements(): Promise<void> {
    const keys = await this.#redis.keys('gateway:announced:*');
    if (keys.length > 0) await this.#redis.del(...keys);
  }

  /** Delivers at once, to as many workers as there are, and waits until nothing moves any more. */
  async deliver(arrivals: readonly Arrival[]): Promise<void> {
    await Promise.all(arrivals.map((arrival, index) => this.#send(arrival, index)));
    await this.#settle();
  }

  async #settle(): Promise<void> {
    try {
      await this.world.settle();
    } catch (cause) {
      const { open } = await finalState(this.world.orm);
      this.#stuck = true;
      throw new Error(`Events that are tried again and again: ${JSON.stringify(open)}`, { cause });
    }
  }

  /** What a failed case left behind must not fail the next one. */
  async #dropStuckJobs(): Promise<void> {
    if (!this.#stuck) return;
    this.#stuck = false;
    await this.world.queues['stripe-events'].drain(true);
    await this.#settle();
  }

  async #send({ event, version, by }: Arrival, index: number): Promise<void> {
    // BullMQ remembers the jobs of earlier cases; these are other events to it.
    const id = `${event.id}_${this.#cases}`;
    const body = event.bodies[version].replace(event.id, id);
    if (by === 'job') {
      await this.world.queues['stripe-events'].add(
        event.type,
        { eventId: id, payload: body, correlationId: id },
        { jobId: `${id}-again-${index}-${Math.random()}` },
      );
      return;
    }
    const response = await fetch(`${this.world.webUrl}/api/stripe/webhook`, {
      method: 'POST',
      headers: { 'stripe-signature': signatureHeader(body, WEBHOOK_SECRET) },
      body,
    });
    const answer = await response.text();
    if (response.status !== 200) throw new Error(`${event.type} was answered ${response.status} ${answer}`);
  }

  /**
   * Runs the sweep once, half a minute on, when events are left that are not applied: an event can miss by a moment
   * what it waits for, and it is the sweep's part to find it. @returns how many were left
   */
  async sweepLeftovers(): Promise<number> {
    const { open } = await finalState(this.world.orm);
    if (open.length === 0) return 0;
    await this.world.orm.em
      .fork()
      .execute(
        `update webhook_events set created_at = created_at - interval '30 seconds' where not processed`,
      );
    await this.world.maintain({ task: 'sweep' });
    return open.length;
  }

  /** The rows as they are now, and what the user was told: in the outbox and over the WebSocket alike. */
  async outcome(): Promise<Outcome> {
    const told = await facts(this.world.orm);
    const undelivered = told.filter(({ delivered }) => !delivered).map(({ fact }) => fact);
    if (undelivered.length > 0) throw new Error(`Written but not delivered: ${undelivered.join(', ')}`);
    const heard = this.#member.notices;
    await poll(async () => (heard.length >= told.length ? true : undefined), {
      everyMs: 5,
      timeoutMs: NOTICE_TIMEOUT_MS,
    });
    if (heard.length !== told.length) {
      throw new Error(
        `${told.length} facts were written and ${heard.length} were heard: ${this.#member.heard()}`,
      );
    }
    return { state: await finalState(this.world.orm), facts: told.map(({ fact }) => fact).sort() };
  }

  async close(): Promise<void> {
    this.#member.close();
    this.#redis.disconnect();
    await this.world.close();
    this.#recorder.close();
  }
}
