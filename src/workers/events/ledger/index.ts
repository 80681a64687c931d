export type { Announcement, NotificationType } from './announcement.ts';
export { type Keys, keysOf, type Touches } from './keys.ts';
export { Ledger, provisionalIntentId } from './ledger.ts';
export { lock } from './locks.ts';
