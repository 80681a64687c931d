export { CODES } from './codes.ts';
export { openApi } from './document.ts';
export type { OpenApi, Operation, Response } from './types.ts';
