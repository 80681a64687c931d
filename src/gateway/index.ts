export { type GatewayConfig, readGatewayConfig } from './config.ts';
export { createGateway, type Gateway, type GatewayDeps } from './gateway.ts';
export { DEFAULT_LIMITS, type Limits } from './limits.ts';
