/** A notification as the outbox has it, with its id in `data` as browsers get it. */
export type Told = { readonly userId: number; readonly type: string; readonly data: unknown };

/**
 * Looks for notifications that a browser was shown more often than there are facts which say just that.
 * @returns what is wrong, in words
 */
export function shownTwice(
  tabs: readonly { name: string; userId: number; frames: readonly string[] }[],
  outbox: readonly Told[],
): string[] {
  const allowed = countOf(
    outbox.map(({ userId, type, data }) => spell({ type, user_id: String(userId), data })),
  );
  return tabs.flatMap(({ name, frames }) => {
    const shown = countOf(frames.map((frame) => spell(JSON.parse(frame))));
    return [...shown].flatMap(([text, times]) => {
      const facts = allowed.get(text) ?? 0;
      if (times <= facts) return [];
      return [`${name} was shown ${times} times what is true ${facts} times: ${text}`];
    });
  });
}

/** How many messages no open tab of their user was shown: tabs that were cut off at that moment. */
export function shownToNobody(
  tabs: readonly { userId: number; frames: readonly string[] }[],
  outbox: readonly Told[],
): number {
  const seen = new Set(tabs.flatMap(({ frames }) => frames.map((frame) => spell(JSON.parse(frame)))));
  return outbox.filter(({ userId, type, data }) => !seen.has(spell({ type, user_id: String(userId), data })))
    .length;
}

function countOf(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/** One spelling for one value: jsonb keeps the keys in an order of its own. */
function spell(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
