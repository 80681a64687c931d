export type { Announcement, NotificationType } from './announcement.ts';
export { type Keys, keysOf, type Touches } from './keys.ts';
export { Ledger } from './ledger.ts';
export { lock } from './locks.ts';
export { provisionalIntentId } from './survey.ts';
