/**
 * The id of an event's job: the event's own, which is what keeps it from being applied twice while the job is kept.
 *
 * BullMQ refuses ids with a colon in them and ids that are whole numbers. What Stripe has signed is an event all the
 * same, so such characters are percent-encoded: no two events get one id, and Stripe's own (`evt_1…`) stay as they are.
 */
export function eventJobId(eventId: string): string {
  return eventId.replace(/^-?\d+$|[%:]/g, (found) => found.replace(/^.|:/g, encoded));
}

function encoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16)}`;
}
