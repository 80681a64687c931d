import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseHosts, parseRedisUrl } from '../redis-url.ts';
import { flag } from './fields.ts';

const REDIS_PORT = 6_379;

/**
 * Where Redis is, in one of three spellings: `REDIS_URL` (see `redis-url.ts`); `REDIS_CLUSTER_NODES` (host:port of some
 * nodes) or `REDIS_ADDR` (host:port, as the gateway spells it), each with `REDIS_PASSWORD`.
 */
const address = {
  REDIS_URL: z
    .string()
    .refine(
      (url) => parseRedisUrl(url) !== undefined,
      'must be a redis://, redis+sentinel:// or redis+cluster:// URL (rediss… for TLS)',
    )
    .optional(),
  REDIS_CLUSTER_NODES: z
    .string()
    .refine(areNodes, 'must be host:port of some nodes, comma-separated')
    .optional(),
  REDIS_ADDR: z.string().refine(isAddress, 'must be host:port').optional(),
  REDIS_PASSWORD: z.string().optional(),
  REDIS_SENTINEL_PASSWORD: z.string().optional(),
  REDIS_TLS_CA: z.string().optional(),
  REDIS_TLS_REJECT_UNAUTHORIZED: flag(true),
};

/** Whether everything under a key prefix is on one node of a cluster: Redis hashes what is between the first braces. */
const HASH_TAG = /^[^{]*\{[^}]+\}/;

/** The queues' Redis: web and worker. */
export const redis = z
  .object({ ...address, QUEUE_PREFIX: z.string().default('{paiements}') })
  .transform((env, context) => {
    const found = addressOf(env, context);
    if (found === undefined) return z.NEVER;
    if (isCluster(found.url) && !HASH_TAG.test(env.QUEUE_PREFIX)) {
      context.addIssue(needsHashTag('QUEUE_PREFIX', '{paiements}'));
      return z.NEVER;
    }
    return {
      ...found,
      slotKey: env.QUEUE_PREFIX,
      /** Prefix of every BullMQ key; the braces are a Redis Cluster hash tag that keeps a queue on one node. */
      queuePrefix: env.QUEUE_PREFIX,
    };
  });

/** The gateways' Redis. Those with the same prefix are one installation: they hear each other. */
export const gatewayRedis = z
  .object({ ...address, GATEWAY_KEY_PREFIX: z.string().optional() })
  .transform((env, context) => {
    const found = addressOf(env, context);
    if (found === undefined) return z.NEVER;
    const cluster = isCluster(found.url);
    const keyPrefix = env.GATEWAY_KEY_PREFIX ?? (cluster ? '{gateway}:' : 'gateway:');
    if (cluster && !HASH_TAG.test(keyPrefix)) {
      context.addIssue(needsHashTag('GATEWAY_KEY_PREFIX', '{gateway}:'));
      return z.NEVER;
    }
    return { ...found, slotKey: keyPrefix, /** Before every key and channel of the gateways. */ keyPrefix };
  });

type Given = z.output<z.ZodObject<typeof address>>;

function addressOf(env: Given, context: z.RefinementCtx) {
  const url = urlOf(env, context);
  const ca = env.REDIS_TLS_CA === undefined ? undefined : readPem(env.REDIS_TLS_CA, context);
  if (url === undefined) return undefined;
  return {
    url,
    /** What the sentinels themselves ask for. */
    sentinelPassword: env.REDIS_SENTINEL_PASSWORD,
    tls: { rejectUnauthorized: env.REDIS_TLS_REJECT_UNAUTHORIZED, ...(ca === undefined ? {} : { ca }) },
  };
}

function urlOf(env: Given, context: z.RefinementCtx): string | undefined {
  const login = env.REDIS_PASSWORD ? `:${encodeURIComponent(env.REDIS_PASSWORD)}@` : '';
  if (env.REDIS_URL !== undefined && env.REDIS_CLUSTER_NODES !== undefined) {
    // One of the two would be ignored in silence, and that may be the one that holds the jobs.
    context.addIssue(problem('REDIS_CLUSTER_NODES', 'must be empty when REDIS_URL is set'));
    return undefined;
  }
  if (env.REDIS_URL !== undefined) return env.REDIS_URL;
  if (env.REDIS_CLUSTER_NODES !== undefined)
    return `redis+cluster://${login}${env.REDIS_CLUSTER_NODES.replaceAll(' ', '')}`;
  if (env.REDIS_ADDR !== undefined) return `redis://${login}${env.REDIS_ADDR}`;
  context.addIssue(problem('REDIS_URL', 'is missing'));
  return undefined;
}

function readPem(path: string, context: z.RefinementCtx): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    context.addIssue(problem('REDIS_TLS_CA', 'must be the path of a readable PEM file'));
    return undefined;
  }
}

function isCluster(url: string): boolean {
  return parseRedisUrl(url)?.kind === 'cluster';
}

function needsHashTag(variable: string, example: string) {
  return problem(
    variable,
    `must have a part in braces, such as ${example}: a Redis Cluster keeps that on one node`,
  );
}

function problem(variable: string, message: string) {
  return { code: 'custom' as const, path: [variable], message };
}

function areNodes(text: string): boolean {
  return parseHosts(text, REDIS_PORT) !== undefined;
}

function isAddress(text: string): boolean {
  const port = Number(/^[^:/\s]+:(\d{1,5})$/.exec(text)?.[1]);
  return port >= 1 && port <= 65_535;
}
