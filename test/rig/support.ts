import { connect } from 'node:net';

/** @returns whether `attempt` rejects */
export async function fails(attempt: () => Promise<unknown>): Promise<boolean> {
  return attempt().then(
    () => false,
    () => true,
  );
}

/** What `attempt` rejects with. @throws when it does not */
export async function rejection(attempt: () => Promise<unknown>): Promise<Error> {
  let result: unknown;
  try {
    result = await attempt();
  } catch (thrown) {
    return thrown as Error;
  }
  throw new Error(`It should have failed, and gave ${JSON.stringify(result)}`);
}

/** Opens and closes a TCP connection. */
export function reach(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}
