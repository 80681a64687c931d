export { flag, httpUrl, list, wholeNumber } from './fields.ts';
export {
  autoMigrate,
  database,
  gatewayTarget,
  internalKey,
  jwt,
  logging,
  origins,
  premium,
  redis,
  stripe,
  webhook,
} from './parts.ts';
export { type ConfigPart, type Environment, readConfig } from './read.ts';
