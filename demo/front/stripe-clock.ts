import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { sendJson } from './session.ts';

const SECONDS_PER_DAY = 86_400;

const order = z.object({ days: z.number().int().min(1).max(400) });

/** `POST /demo/advance` `{"days"}`: lets time pass at the Stripe sandbox, with all the renewals that brings. */
export async function advanceClock(
  request: IncomingMessage,
  response: ServerResponse,
  sandboxUrl: string,
): Promise<void> {
  const given = order.safeParse(parse(await text(request)));
  if (!given.success) {
    sendJson(response, 400, { success: false, error: 'days must be a whole number from 1 to 400' });
    return;
  }
  const answer = await fetch(`${sandboxUrl}/_sandbox/advance`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ seconds: given.data.days * SECONDS_PER_DAY }),
  });
  if (!answer.ok) throw new Error(`The sandbox answered ${answer.status} ${await answer.text()}`);
  const { now } = (await answer.json()) as { now: number };
  sendJson(response, 200, { success: true, data: { now: new Date(now * 1_000).toISOString() } });
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
