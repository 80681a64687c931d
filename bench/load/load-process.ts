import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A load process that is ready to begin. */
export type Prepared<R> = { start(): Promise<R> };

/**
 * Starts a load process, gives it its order and waits until it is ready. It ends with its answer, and with us.
 * @param script beside this file
 */
export async function prepareLoad<R>(script: string, order: object): Promise<Prepared<R>> {
  const child = fork(new URL(`./${script}`, import.meta.url), { serialization: 'advanced' });
  child.send(order);
  await messageOf(child, script);
  return {
    async start() {
      const answer = messageOf(child, script);
      child.send('go');
      try {
        return (await answer) as R;
      } finally {
        child.kill('SIGKILL');
      }
    },
  };
}

async function messageOf(child: ChildProcess, script: string): Promise<unknown> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${script} ended with ${code}`);
  });
  // Nobody waits for its end once it has answered.
  ended.catch(() => undefined);
  const [message] = await Promise.race([once(child, 'message'), ended]);
  return message;
}
