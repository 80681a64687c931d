import { z } from 'zod';
import {
  type Environment,
  httpUrl,
  internalKey,
  jwt,
  logging,
  origins,
  readConfig,
  redis,
  wholeNumber,
} from '../shared/config/index.ts';

/** `GATEWAY_PORT` (0 takes any free port) and `GATEWAY_HOST`. */
const listening = z
  .object({ GATEWAY_PORT: wholeNumber(8080, 0, 65_535), GATEWAY_HOST: z.string().default('0.0.0.0') })
  .transform((env) => ({ port: env.GATEWAY_PORT, host: env.GATEWAY_HOST }));

/** `PAIEMENTS_SERVICE_URL`: where payment requests are proxied to. */
const paiementsService = z
  .object({ PAIEMENTS_SERVICE_URL: httpUrl().default('http://127.0.0.1:8085') })
  .transform((env) => ({ url: env.PAIEMENTS_SERVICE_URL }));

/**
 * Reads everything the gateway process uses.
 * @throws {import('../shared/errors.ts').ConfigError} naming every problem at once
 */
export function readGatewayConfig(environment: Environment) {
  return readConfig({ listening, paiementsService, jwt, internalKey, redis, origins, logging }, environment);
}

export type GatewayConfig = ReturnType<typeof readGatewayConfig>;
