import { z } from 'zod';
import { creditInvoice, voidCreditNote } from '../billing/crediting.ts';
import { pageOf, where } from '../http/lists.ts';
import { ignored, isWithin, metadata, paging, text, times, whole } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import { findInvoice, found } from './find.ts';
import { mergeMetadata } from './metadata.ts';

const create = z.strictObject({
  amount: whole.optional(),
  credit_amount: whole.optional(),
  email_type: ignored.optional(),
  invoice: text,
  memo: text.optional(),
  metadata: metadata.optional(),
  out_of_band_amount: whole.optional(),
  reason: z.enum(['duplicate', 'fraudulent', 'order_change', 'product_unsatisfactory']).optional(),
  refund_amount: whole.optional(),
});

export const creditNoteRoutes: Route[] = [
  route('POST', '/v1/credit_notes', create, (params, { world }) =>
    creditInvoice(world, findInvoice(world, params.invoice, 'invoice'), {
      amount: params.amount,
      refundAmount: params.refund_amount,
      creditAmount: params.credit_amount,
      outOfBandAmount: params.out_of_band_amount,
      reason: params.reason,
      memo: params.memo,
      metadata: mergeMetadata({}, params.metadata),
    }),
  ),
  route(
    'GET',
    '/v1/credit_notes',
    z.strictObject({
      ...paging,
      created: times.optional(),
      customer: text.optional(),
      invoice: text.optional(),
    }),
    (params, { world }) =>
      pageOf(
        '/v1/credit_notes',
        where(
          world.tables.creditNotes.newest(),
          (note) =>
            isWithin(note.created, params.created) &&
            (params.customer === undefined || note.customer === params.customer) &&
            (params.invoice === undefined || note.invoice === params.invoice),
        ),
        params,
      ),
  ),
  route('GET', '/v1/credit_notes/:id', z.strictObject({}), (_params, { world, id }) =>
    found(world.tables.creditNotes.get(id), 'credit_note', id),
  ),
  route('POST', '/v1/credit_notes/:id/void', z.strictObject({}), (_params, { world, id }) => {
    const note = found(world.tables.creditNotes.get(id), 'credit_note', id);
    voidCreditNote(world, note);
    return note;
  }),
];
