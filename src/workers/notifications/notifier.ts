import type { MikroORM } from '@mikro-orm/postgresql';
import type { Clock } from '../../shared/clock.ts';
import type { NotificationJob } from '../../shared/queues/index.ts';
import { GroupCommit } from '../group-commit.ts';
import type { GatewayClient } from './gateway-client.ts';

/**
 * Delivers outbox messages. A message counts as delivered once its row says so; between the gateway's answer and
 * that, a crash sends it again under the same idempotency key.
 */
export class Notifier {
  readonly #gateway: GatewayClient;
  readonly #marks: GroupCommit<number, undefined>;

  constructor(deps: { orm: MikroORM; gateway: GatewayClient; clock: Clock }) {
    this.#gateway = deps.gateway;
    this.#marks = new GroupCommit({
      run: async (ids) => {
        await markDelivered(deps.orm, ids, deps.clock.now());
        return ids.map(() => undefined);
      },
      maxSize: 500,
      maxInFlight: 1,
    });
  }

  async deliver(job: NotificationJob): Promise<void> {
    await this.#gateway.broadcast(job);
    await this.#marks.submit(job.outboxId);
  }
}

async function markDelivered(orm: MikroORM, ids: readonly number[], now: Date): Promise<void> {
  await orm.em.fork().execute(
    `update outbox_messages set delivered_at = ?::timestamptz at time zone 'UTC'
     where delivered_at is null and id in (select value::bigint from json_array_elements_text(?::json))`,
    [now.toISOString(), JSON.stringify(ids)],
  );
}
