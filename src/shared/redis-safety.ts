import type { Redis } from 'ioredis';
import { AppError, toError } from './errors.ts';
import type { Logger } from './logger.ts';

/** What Redis says about itself; null for what it does not tell. */
export type RedisSettings = {
  evictionPolicy: string | null;
  appendOnly: boolean | null;
  /** Whether it writes snapshots (`save`). */
  snapshots: boolean | null;
};

/** A Redis that could lose jobs, where `REDIS_STRICT` does not allow one. */
export class UnsafeRedis extends AppError {
  constructor(problems: readonly string[]) {
    super(
      `Cannot start, this Redis could lose jobs (REDIS_STRICT=true):\n${problems.map((line) => `  - ${line}`).join('\n')}`,
    );
  }
}

/**
 * Looks at whether Redis could lose jobs: by evicting them when memory is short, or in a restart.
 * @throws {UnsafeRedis} when it could, or does not tell, and `strict` is set; else that is a warning
 */
export async function checkRedisSafety(
  redis: Redis,
  { strict, logger }: { strict: boolean; logger: Logger },
): Promise<void> {
  const problems = problemsOf(await readSettings(redis));
  if (problems.length === 0) return;
  if (strict) throw new UnsafeRedis(problems);
  for (const problem of problems) logger.warn({ check: 'redis-safety' }, problem);
}

/** What is wrong, with what to set; nothing when all is well. */
export function problemsOf({ evictionPolicy, appendOnly, snapshots }: RedisSettings): string[] {
  const problems: string[] = [];
  if (evictionPolicy === null) {
    problems.push('Redis does not tell its maxmemory-policy: see that it is noeviction');
  } else if (evictionPolicy !== 'noeviction') {
    problems.push(
      `Redis evicts keys when memory is short (maxmemory-policy ${evictionPolicy}), jobs among them: set maxmemory-policy noeviction`,
    );
  }
  if (appendOnly === true) return problems;
  if (snapshots === true) return problems;
  problems.push(
    appendOnly === false && snapshots === false
      ? 'Redis writes nothing to disk, and a restart would forget every job: set appendonly yes'
      : 'Redis does not tell whether it writes to disk: see that appendonly is yes',
  );
  return problems;
}

/** Managed servers forbid CONFIG; INFO has most of it and is allowed nearly everywhere. */
async function readSettings(redis: Redis): Promise<RedisSettings> {
  const [memory, persistence, policy, appendOnly, save] = await Promise.all([
    infoOf(redis, 'memory'),
    infoOf(redis, 'persistence'),
    settingOf(redis, 'maxmemory-policy'),
    settingOf(redis, 'appendonly'),
    settingOf(redis, 'save'),
  ]);
  const aof = appendOnly ?? persistence.get('aof_enabled') ?? null;
  return {
    evictionPolicy: policy ?? memory.get('maxmemory_policy') ?? null,
    appendOnly: aof === null ? null : aof === 'yes' || aof === '1',
    snapshots: save === null ? null : save !== '',
  };
}

async function infoOf(redis: Redis, section: string): Promise<Map<string, string>> {
  const text = await orRefused(() => redis.info(section));
  const lines = (text ?? '').split(/\r?\n/).filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

async function settingOf(redis: Redis, name: string): Promise<string | null> {
  const answer = await orRefused(() => redis.config('GET', name));
  return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : null;
}

/** An error that Redis itself answers (forbidden, unknown command) is null; a connection that fails is an error. */
async function orRefused<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (thrown) {
    if (toError(thrown).name === 'ReplyError') return null;
    throw thrown;
  }
}
