import type Stripe from 'stripe';
import { listOf } from '../http/lists.ts';
import { snapshot } from '../state/snapshot.ts';
import type { World } from '../world.ts';
import type { OldEra } from './eras.ts';

/** Before basil an intent named its invoice; before 2022-11-15 it carried its charges as well. */
export function oldIntent(world: World, intent: Stripe.PaymentIntent, era: OldEra): object {
  const invoice = invoiceOf(world, intent.id);
  if (era === 'C') return { ...intent, invoice };
  const charges = world.tables.charges.filter((charge) => charge.payment_intent === intent.id).reverse();
  const old = charges.map((charge) => oldCharge(world, snapshot(charge), era));
  return { ...intent, invoice, charges: listOf(`/v1/charges?payment_intent=${intent.id}`, old) };
}

/** Before basil a charge named its invoice; before 2022-11-15 it carried its refunds as well. */
export function oldCharge(world: World, charge: Stripe.Charge, era: OldEra): object {
  const { tables } = world;
  const invoice = charge.payment_intent ? invoiceOf(world, String(charge.payment_intent)) : null;
  const dispute = tables.disputes.find((each) => each.charge === charge.id)?.id ?? null;
  const old = { ...charge, invoice, dispute, destination: null };
  if (era === 'C') return old;
  const refunds = tables.refunds.filter((refund) => refund.charge === charge.id).reverse();
  return { ...old, refunds: listOf(`/v1/charges/${charge.id}/refunds`, refunds.map(snapshot)) };
}

function invoiceOf(world: World, intent: string): string | null {
  return world.tables.invoicePayments.find((each) => each.payment.payment_intent === intent)?.invoice ?? null;
}
