import type { Redis } from 'ioredis';
import { type CorkableStream, gatheredWrites } from './turn-writes.ts';

/**
 * Lets a connection write all commands of one turn of the event loop together. What is done for many at once (the
 * events that came in meanwhile, the jobs of a group that has committed) then costs one system call here, and one
 * read and one sync to disk at Redis, instead of one each. Commands stay commands of their own: unlike in a pipeline,
 * each is answered, sent again and failed by itself.
 */
export function gatherWrites(redis: Redis): Redis {
  const send = redis.sendCommand.bind(redis);
  // Typed as always there, which it is not before the first connection.
  const streamOf = (): CorkableStream | undefined => redis.stream as Redis['stream'] | undefined;
  const gather = gatheredWrites(streamOf, setImmediate);
  redis.sendCommand = (command, into) => {
    gather();
    return send(command, into);
  };
  return redis;
}
