/**
 * The floor: the least that can be done to take an event durably. Signature, BullMQ `add`, 200; no limits, no request
 * id, no fallback, no logs.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';

const { FLOOR_PORT, REDIS_URL = '', SECRET = '', QUEUE_PREFIX = 'floor' } = process.env;
const TOLERANCE_SECONDS = 300;

const connection = new Redis(REDIS_URL, { maxRetriesPerRequest: null });
const queue = new Queue('events', { connection, prefix: QUEUE_PREFIX });

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString('utf8');
    const [, at = '', v1 = ''] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(request.headers['stripe-signature'])) ?? [];
    const expected = createHmac('sha256', SECRET).update(`${at}.${body}`).digest();
    const given = Buffer.from(v1, 'hex');
    const fresh = Math.abs(Date.now() / 1_000 - Number(at)) <= TOLERANCE_SECONDS;
    if (!fresh || given.length !== expected.length || !timingSafeEqual(given, expected)) {
      response.writeHead(400, { 'content-length': 0 }).end();
      return;
    }
    const { id, type } = JSON.parse(body) as { id: string; type: string };
    queue.add(type, { eventId: id, payload: body }, { jobId: id }).then(
      () => response.writeHead(200, { 'content-length': 17 }).end('{"received":true}'),
      () => response.writeHead(500, { 'content-length': 0 }).end(),
    );
  });
});
server.listen(Number(FLOOR_PORT), '127.0.0.1', () => console.log('floor ready'));
process.once('SIGTERM', () => process.exit(0));
