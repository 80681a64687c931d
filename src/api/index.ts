export { createApp, createRouter } from './app.ts';
export { readWebConfig, type WebConfig } from './config.ts';
export type { WebDeps } from './deps.ts';
export { createWeb, type WebParts } from './web.ts';
