export type { Announcement, NotificationType } from './announcement.ts';
export { type Keys, keysOf, provisionalIntentId, type Touches } from './keys.ts';
export { Ledger } from './ledger.ts';
