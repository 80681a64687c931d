import type { Matcha } from '../../../rig/matcha.ts';
import { poll } from '../../../rig/poll.ts';

const PATIENCE_MS = 30_000;

/** What is still open when nothing moves any more, or after a while: events not applied, messages not delivered. */
export async function leftOpen(matcha: Matcha): Promise<readonly Record<string, unknown>[]> {
  let open: readonly Record<string, unknown>[] = [];
  await poll(
    async () => {
      open = await matcha.query(
        `select stripe_event_id as what, error_message as why from webhook_events where not processed
         union all select fact, 'not delivered' from outbox_messages where delivered_at is null`,
      );
      return open.length === 0 ? true : undefined;
    },
    { everyMs: 100, timeoutMs: PATIENCE_MS },
  );
  return open;
}
