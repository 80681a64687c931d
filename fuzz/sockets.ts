import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import type { Random } from '../chaos/random.ts';
import { forgedToken } from './requests/forged-token.ts';
import type { Destination } from './wire.ts';
import { MEMBERS, tokenOf, type World } from './world.ts';

const ANSWER_MS = 5_000;
const FRAMES: readonly (string | Buffer)[] = [
  '',
  '{',
  'null',
  '[]',
  '"ping"',
  '{"type":null}',
  '{"type":"ping"}',
  '{"type":"__proto__"}',
  '{"type":"subscribe"}',
  '{"type":"subscribe","data":{"channel":{}}}',
  `{"type":"subscribe","data":{"channel":"${'a'.repeat(5_000)}"}}`,
  '{"type":"subscribe","data":{"channel":"user:91"}}',
  '{"type":"unsubscribe","data":{"channel":"never"}}',
  '{"type":"premium_activated","user_id":"91","data":{}}',
  '['.repeat(10_000),
  'x'.repeat(17_000),
  Buffer.from([0, 255, 1, 254]),
];

/**
 * Opens WebSockets as nobody and as members, and sends what no browser would.
 * @returns what is wrong, in words
 */
export async function attackSockets(
  { host, port }: Destination,
  rounds: number,
  random: Random,
  world: World,
): Promise<string[]> {
  const wrong: string[] = [];
  const url = `ws://${host}:${port}/ws`;
  for (let round = 0; round < rounds; round++) {
    const { kind, token } = forgedToken(random, world);
    if (await opens(`${url}?token=${encodeURIComponent(token)}`))
      wrong.push(`A WebSocket opened with ${kind}`);
    const member = tokenOf(world.secrets.jwtSecret, random.pick(MEMBERS));
    const socket = new WebSocket(`${url}?token=${member}`);
    socket.on('error', () => undefined);
    if (!(await hasOpened(socket))) {
      wrong.push('A WebSocket of a member did not open');
      continue;
    }
    for (let i = random.between(1, 20); i > 0; i--) socket.send(random.pick(FRAMES));
    if (random.chance(0.3)) socket.terminate();
    else socket.close();
    await rawFrame({ host, port }, member, random);
  }
  return wrong;
}

async function opens(url: string): Promise<boolean> {
  const socket = new WebSocket(url, { handshakeTimeout: ANSWER_MS });
  socket.on('error', () => undefined);
  const opened = await hasOpened(socket);
  socket.terminate();
  return opened;
}

/** An error on the way ends in `close`. */
function hasOpened(socket: WebSocket): Promise<boolean> {
  return Promise.race([once(socket, 'open').then(() => true), once(socket, 'close').then(() => false)]).catch(
    () => false,
  );
}

/** Upgrades by hand and then sends bytes that are no frames. */
async function rawFrame(destination: Destination, token: string, random: Random): Promise<void> {
  const socket = connect(destination);
  socket.on('error', () => undefined);
  socket.write(
    `GET /ws?token=${token} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  await Promise.race([once(socket, 'data'), once(socket, 'close')]).catch(() => undefined);
  socket.write(Buffer.from(Array.from({ length: random.between(1, 200) }, () => random.between(0, 255))));
  socket.end();
  setTimeout(() => socket.destroy(), 50);
}
