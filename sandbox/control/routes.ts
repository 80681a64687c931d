import { z } from 'zod';
import { ApiError } from '../http/errors.ts';
import type { Sandbox } from '../sandbox.ts';
import * as schemas from './schemas.ts';

type Action = (sandbox: Sandbox, body: unknown) => unknown;

/** `POST /_sandbox/<name>`: the same actions that the in-process object has. */
export const controlActions: Record<string, Action> = {
  advance: action(schemas.advance, async (sandbox, { seconds }) => {
    await sandbox.advance(seconds);
    return { now: sandbox.now };
  }),
  'advance-to': action(schemas.advanceTo, async (sandbox, { time }) => {
    await sandbox.advanceTo(time);
    return { now: sandbox.now };
  }),
  'complete-checkout': action(schemas.completeCheckout, (sandbox, given) => sandbox.completeCheckout(given)),
  authenticate: action(schemas.authenticate, (sandbox, given) => sandbox.authenticate(given)),
  'settle-payment': action(schemas.settlePayment, (sandbox, given) => sandbox.settlePayment(given)),
  'hold-drafts': action(schemas.holdDrafts, (sandbox, given) => {
    sandbox.holdDrafts(given);
    return { holding: given.seconds ?? null };
  }),
  'lose-tax-address': action(schemas.loseTaxAddress, (sandbox, given) => sandbox.loseTaxAddress(given)),
  'expire-checkout': action(schemas.expireCheckout, (sandbox, given) => sandbox.expireCheckout(given)),
  'set-card': action(schemas.setCard, (sandbox, given) => sandbox.setCard(given)),
  'create-subscription': action(schemas.createSubscription, (sandbox, given) =>
    sandbox.createSubscription(given),
  ),
  'cancel-now': action(schemas.subscription, (sandbox, given) => sandbox.cancelNow(given)),
  'cancel-at-period-end': action(schemas.subscription, (sandbox, given) => sandbox.cancelAtPeriodEnd(given)),
  resume: action(schemas.subscription, (sandbox, given) => sandbox.resume(given)),
  'change-plan': action(schemas.changePlan, (sandbox, given) => sandbox.changePlan(given)),
  'pay-invoice': action(schemas.payInvoice, (sandbox, given) => sandbox.payInvoice(given)),
  refund: action(schemas.refund, (sandbox, given) => sandbox.refund(given)),
  'fail-refund': action(schemas.failRefund, (sandbox, given) => sandbox.failRefund(given)),
  'open-dispute': action(schemas.openDispute, (sandbox, given) => sandbox.openDispute(given)),
  'close-dispute': action(schemas.closeDispute, (sandbox, given) => sandbox.closeDispute(given)),
  'delete-customer': action(schemas.customer, (sandbox, given) => {
    sandbox.deleteCustomer(given);
    return { deleted: true };
  }),
  fault: action(schemas.fault, (sandbox, given) => {
    sandbox.faults.add(given);
    return { faults: sandbox.faults.planned };
  }),
  'clear-faults': action(schemas.nothing, (sandbox) => {
    sandbox.faults.clear();
    return { faults: [] };
  }),
  hold: action(schemas.nothing, (sandbox) => {
    sandbox.deliveries.hold();
    return { holding: true };
  }),
  release: action(schemas.release, (sandbox, given) => ({ released: sandbox.deliveries.release(given) })),
  'delivery-rules': action(schemas.rules, (sandbox, given) => {
    sandbox.deliveries.setRules(given);
    return { rules: given };
  }),
  resend: action(schemas.resend, (sandbox, given) => ({
    sent: sandbox.deliveries.resend(given.event, given.endpoint),
  })),
  idle: action(schemas.nothing, async (sandbox) => {
    await sandbox.deliveries.idle();
    return { idle: true };
  }),
  deliveries: action(schemas.nothing, (sandbox) => ({ deliveries: sandbox.deliveries.list() })),
  summary: action(schemas.nothing, (sandbox) => sandbox.summary()),
  reset: action(schemas.nothing, (sandbox) => {
    sandbox.reset();
    return { reset: true };
  }),
};

function action<S extends z.ZodType>(
  schema: S,
  run: (sandbox: Sandbox, given: z.output<S>) => unknown,
): Action {
  return (sandbox, body) => {
    const result = schema.safeParse(body);
    if (!result.success) throw ApiError.invalid(z.prettifyError(result.error));
    return run(sandbox, result.data);
  };
}
