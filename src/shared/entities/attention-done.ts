import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { utcTimestamp, wholeNumber } from './columns.ts';

/** An operator's word that something at attention needs nobody's attention any more. */
export const AttentionDone = defineEntity({
  name: 'AttentionDone',
  tableName: 'attention_done',
  properties: {
    id: wholeNumber().primary().autoincrement(),
    kind: p.string().length(50),
    /** The entry's id, such as an invoice's. */
    subject: p.string().length(255),
    reason: p.text(),
    /** Who said it, as far as the route knows. */
    doneBy: p.string().length(255),
    doneAt: utcTimestamp(),
  },
});
export type AttentionDone = InferEntity<typeof AttentionDone>;
