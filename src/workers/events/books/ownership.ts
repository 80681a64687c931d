import type { Desk } from '../desk.ts';

/**
 * Whether what an intent moves is ours: ours is what an invoice of a subscription of ours collects, and nothing else
 * that a customer of ours may pay on a shared account. Since basil (2025-03-31) no payload says so: asks Stripe.
 * @param invoiceId the invoice that the payload named, if it did
 */
export async function isOurs(desk: Desk, intentId: string, invoiceId: string | null): Promise<boolean> {
  const { ledger, reads, catalog } = desk;
  const invoice = invoiceId ?? ledger.invoiceOfIntent(intentId) ?? (await reads.invoiceOfIntent(intentId));
  if (invoice === null) return false;
  if (ledger.isBooked(invoice)) return true;
  const { subscriptionId } = (await reads.invoice(invoice)).facts;
  if (subscriptionId === null) return false;
  if (ledger.subscription(subscriptionId)) return true;
  const { facts } = await reads.subscription(subscriptionId);
  return (await catalog.planOf(facts, false, reads)) !== null;
}
