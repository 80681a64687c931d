/**
 * What a message says, with the id by which whoever hears it knows it again, live or when asking for what was missed.
 * @param id of its row in `outbox_messages`
 */
export function announcedData(id: number, data: Record<string, unknown>): Record<string, unknown> {
  return { ...data, id };
}
