export type { DatabaseTls } from './database-tls.ts';
export { flag, httpUrl, list, type RotatingSecret, rotatingSecret, wholeNumber } from './fields.ts';
export { monitoring, redisSafety, tracing } from './monitoring.ts';
export {
  autoMigrate,
  database,
  gatewayTarget,
  internalKey,
  jwt,
  logging,
  origins,
  premium,
  shortKeys,
  stripe,
  trustedProxies,
  webhook,
} from './parts.ts';
export { type ConfigPart, type Environment, readConfig, usedIf } from './read.ts';
export { gatewayRedis, redis } from './redis.ts';
