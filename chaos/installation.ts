import { Redis } from 'ioredis';
import { openQueue, QUEUE_NAMES, type QueueName, type QueueOf } from '../src/shared/queues/index.ts';

/** The queues of an installation, as somebody who looks on sees them. */
export type Onlooker = {
  readonly queues: readonly { readonly name: QueueName; readonly queue: QueueOf<QueueName> }[];
  close(): Promise<void>;
};

/** @param redisUrl straight to the server, over no link that may be broken */
export function lookAtQueues(redisUrl: string, prefix: string): Onlooker {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  const queues = QUEUE_NAMES.map((name) => ({
    name,
    queue: openQueue(name, redis, prefix) as unknown as QueueOf<QueueName>,
  }));
  return {
    queues,
    async close() {
      for (const { queue } of queues) await queue.close();
      redis.disconnect();
    },
  };
}
