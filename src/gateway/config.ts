import { z } from 'zod';
import {
  type Environment,
  gatewayRedis,
  httpUrl,
  internalKey,
  jwt,
  list,
  logging,
  origins,
  readConfig,
  shortKeys,
  wholeNumber,
} from '../shared/config/index.ts';
import { channelName } from './internal-body.ts';

/** `GATEWAY_PORT` (0 takes any free port) and `GATEWAY_HOST`. */
const listening = z
  .object({ GATEWAY_PORT: wholeNumber(8080, 0, 65_535), GATEWAY_HOST: z.string().default('0.0.0.0') })
  .transform((env) => ({ port: env.GATEWAY_PORT, host: env.GATEWAY_HOST }));

/** `GATEWAY_CHANNELS`: what browsers may subscribe to. Of everything else they only hear what is for their user. */
const channels = z
  .object({ GATEWAY_CHANNELS: list().default(['news', 'premium']) })
  .transform((env, context) => {
    if (env.GATEWAY_CHANNELS.every((name) => channelName.safeParse(name).success))
      return env.GATEWAY_CHANNELS;
    context.addIssue({
      code: 'custom',
      path: ['GATEWAY_CHANNELS'],
      message: 'must be names of 1 to 100 letters, digits or any of . _ : -, comma-separated',
    });
    return z.NEVER;
  });

/** `PAIEMENTS_SERVICE_URL`: where payment requests are proxied to; several, comma-separated, share them. */
const paiementsService = z
  .object({ PAIEMENTS_SERVICE_URL: serviceUrls().default(['http://127.0.0.1:8085']) })
  .transform((env) => ({ urls: env.PAIEMENTS_SERVICE_URL }));

function serviceUrls() {
  return list().transform((urls, context) => {
    const parsed = z.array(httpUrl()).min(1).safeParse(urls);
    const schemes = new Set(urls.map((url) => url.split(':')[0]));
    if (parsed.success && schemes.size === 1) return parsed.data;
    context.addIssue({
      code: 'custom',
      message: 'must be an http(s) URL, or several of one scheme, comma-separated',
    });
    return z.NEVER;
  });
}

/**
 * Reads everything the gateway process uses.
 * @throws {import('../shared/errors.ts').ConfigError} naming every problem at once
 */
export function readGatewayConfig(environment: Environment) {
  return readConfig(
    {
      listening,
      channels,
      paiementsService,
      jwt,
      internalKey,
      redis: gatewayRedis,
      origins,
      logging,
      shortKeys: shortKeys('INTERNAL_API_KEY', 'JWT_SECRET'),
    },
    environment,
  );
}

export type GatewayConfig = ReturnType<typeof readGatewayConfig>;
