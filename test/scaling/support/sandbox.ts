import type { Matcha } from '../../../rig/matcha.ts';

/** Tells the Stripe sandbox to do something; see `sandbox/README.md`. */
export async function sandboxAction(matcha: Matcha, action: string, given: object = {}): Promise<unknown> {
  const response = await fetch(`${matcha.urls.sandbox}/_sandbox/${action}`, {
    method: 'POST',
    body: JSON.stringify(given),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`The sandbox answered ${response.status} to ${action}: ${answer}`);
  return JSON.parse(answer);
}

/** Resolves when every event of the sandbox has been accepted. */
export async function everythingDelivered(matcha: Matcha): Promise<void> {
  await sandboxAction(matcha, 'idle');
}
