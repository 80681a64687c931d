const LONGEST = 400;

/** Turns one of our JSON log lines into one a person can read; other lines stay as they are. */
export function readable(line: string): string {
  const entry = parse(line);
  if (entry === undefined) return line.slice(0, LONGEST);
  const { level, msg, err } = entry;
  const reason =
    err?.message && !String(msg).includes(err.message) ? ` (${err.type ?? 'Error'}: ${err.message})` : '';
  return `${level ?? ''} ${msg}${reason}`.trim().replaceAll('\n', ' ').slice(0, LONGEST);
}

type Entry = { level?: string; msg: string; err?: { type?: string; message?: string } };

function parse(line: string): Entry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry = JSON.parse(line) as Partial<Entry>;
    return typeof entry.msg === 'string' ? (entry as Entry) : undefined;
  } catch {
    return undefined;
  }
}
