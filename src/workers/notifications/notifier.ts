import type { MikroORM } from '@mikro-orm/postgresql';
import type { Clock } from '../../shared/clock.ts';
import { SECOND } from '../../shared/duration.ts';
import type { Logger } from '../../shared/logger.ts';
import { countNotification, observeNotifiedDelay } from '../../shared/metrics/notifications.ts';
import type { NotificationJob } from '../../shared/queues/index.ts';
import { inSpan, type TracePlace } from '../../shared/tracing/index.ts';
import { GroupCommit } from '../group-commit.ts';
import type { GatewayClient } from './gateway-client.ts';
import type { GatewayLine, Standing } from './gateway-line.ts';

/**
 * Delivers outbox messages. A message counts as delivered once its row says so; between the gateway's answer and
 * that, a crash sends it again under the same idempotency key.
 */
export class Notifier {
  readonly #gateway: GatewayClient;
  readonly #line: GatewayLine;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #marks: GroupCommit<number, undefined>;

  constructor(deps: {
    orm: MikroORM;
    gateway: GatewayClient;
    line: GatewayLine;
    clock: Clock;
    logger: Logger;
  }) {
    this.#gateway = deps.gateway;
    this.#line = deps.line;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#marks = new GroupCommit({
      run: async (ids) => {
        await markDelivered(deps.orm, ids, deps.clock.now());
        return ids.map(() => undefined);
      },
      maxSize: 500,
      maxInFlight: 1,
    });
  }

  /**
   * Resolves when the gateway has taken the message.
   * @param trace where it belongs when no span is open
   * @throws what the line or the gateway failed with; the message is to be offered again then
   */
  async tell(job: NotificationJob, standing: Standing, trace?: TracePlace): Promise<void> {
    await this.#line.pass(() => this.#offer(job, trace), standing);
    const { type, fact, userId, correlationId, causedAt } = job;
    const sinceCreatedMs = causedAt === undefined ? undefined : this.#clock.now().getTime() - causedAt;
    if (sinceCreatedMs !== undefined) observeNotifiedDelay(sinceCreatedMs / SECOND);
    this.#logger.info(
      { type, fact, userId, sinceCreatedMs, correlationId },
      `Delivered ${type} to user ${userId}`,
    );
  }

  /** Notes that the gateway has taken it. @throws what the database failed with */
  async note(outboxId: number): Promise<void> {
    await this.#marks.submit(outboxId);
  }

  async #offer(job: NotificationJob, parent: TracePlace | undefined): Promise<void> {
    const { type, correlationId } = job;
    const attributes = {
      'http.request.method': 'POST',
      'messaging.message.type': type,
      correlation_id: correlationId,
    };
    try {
      await inSpan(`notify ${type}`, { kind: 'client', parent, attributes }, () =>
        this.#gateway.broadcast(job),
      );
    } catch (thrown) {
      countNotification(type, 'refused');
      throw thrown;
    }
    countNotification(type, 'delivered');
  }
}

async function markDelivered(orm: MikroORM, ids: readonly number[], now: Date): Promise<void> {
  await orm.em.fork().execute(
    `update outbox_messages set delivered_at = ?::timestamptz at time zone 'UTC'
     where delivered_at is null and id = any(?::bigint[])`,
    [now.toISOString(), `{${ids.join(',')}}`],
  );
}
