import { pino } from 'pino';
import { poll } from '../../../rig/poll.ts';
import { createGateway, type Gateway, type Limits, readGatewayConfig } from '../../../src/gateway/index.ts';
import { type Answer, ask } from './http.ts';
import { sharedRedisUrl } from './redis.ts';
import { JWT_SECRET } from './tokens.ts';

/** Where no payment service listens. */
export const NOWHERE = 'http://127.0.0.1:9';

export const INTERNAL_KEY = 'an-internal-key-for-tests';

export type RunningGateway = Gateway & { readonly port: number };

/** The environment of a gateway under test. */
export function gatewayEnvironment(redisUrl: string, serviceUrl: string): Record<string, string> {
  return {
    GATEWAY_PORT: '0',
    GATEWAY_HOST: '127.0.0.1',
    PAIEMENTS_SERVICE_URL: serviceUrl,
    JWT_SECRET,
    INTERNAL_API_KEY: INTERNAL_KEY,
    REDIS_URL: redisUrl,
    ALLOWED_ORIGINS: 'https://app.example,https://www.app.example',
    LOG_LEVEL: 'info',
  };
}

export type StartOptions = {
  /** Default: the Redis of the run. */
  redisUrl?: string;
  serviceUrl?: string;
  env?: Record<string, string>;
  limits?: Partial<Limits>;
  /** Collects the log, every level of it. */
  log?: string[];
};

/** Starts gateways in this process; every one is closed after the test that started it. */
export function useGateways() {
  const running: Gateway[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((gateway) => gateway.close()));
  });
  return async (options: StartOptions = {}): Promise<RunningGateway> => {
    const { redisUrl = sharedRedisUrl(), serviceUrl = NOWHERE, env, limits, log } = options;
    const config = readGatewayConfig({ ...gatewayEnvironment(redisUrl, serviceUrl), ...env });
    const logger = log
      ? pino({ level: 'trace' }, { write: (line: string) => void log.push(line) })
      : pino({ level: 'silent' });
    const gateway = createGateway({ config, logger, limits });
    running.push(gateway);
    return { ...gateway, port: await gateway.listen() };
  };
}

/** Posts a broadcast as the payment worker does. */
export function broadcast(
  port: number,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return ask(port, '/api/internal/websocket/broadcast', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-internal-key': INTERNAL_KEY, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

export function askInternal(port: number, path: string): Promise<Answer> {
  return ask(port, `/api/internal${path}`, { headers: { 'x-internal-key': INTERNAL_KEY } });
}

export async function isOnline(port: number, userId: string): Promise<boolean> {
  const answer = await askInternal(port, `/users/${userId}/online-status`);
  return (answer.json() as { data: { online: boolean } }).data.online;
}

/** Asks again until the answer is yes. */
export async function until(fact: () => Promise<boolean>): Promise<void> {
  const come = await poll(async () => ((await fact()) ? true : undefined), {
    everyMs: 20,
    timeoutMs: 15_000,
  });
  if (!come) throw new Error(`waited 15 s in vain for: ${fact}`);
}
