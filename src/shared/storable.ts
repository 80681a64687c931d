/**
 * What PostgreSQL can keep of text. Its `text` knows no U+0000, and its `jsonb` neither that nor half a surrogate pair,
 * although JSON may spell both and Stripe passes on what people type into metadata. Such a character is replaced by its
 * own escape, spelled out: `a\u0000b` becomes a text of eight characters in which one reads what stood there.
 */

/** The characters themselves, in a string. With `u`, a surrogate only matches where it has no other half. */
const UNSTORABLE = /[\0\p{Surrogate}]/gu;
/** Their escapes in the text of JSON; whether one is an escape depends on what stands around it. */
const SUSPICIOUS = /\\u(?:0000|d[89a-f])/i;
const ESCAPE = /\\(?:u([0-9a-f]{4})|.)/gi;

/** The text with every character that cannot be kept spelled out; the very same one where there is none. */
export function storableText(text: string): string {
  return text.replace(UNSTORABLE, (character) => `\\${escapeOf(character.charCodeAt(0))}`);
}

/** {@link storableText} for what JSON is parsed into: every text in it, the names of fields included. */
export function storableValue<T>(value: T): T {
  if (typeof value === 'string') return storableText(value) as T;
  if (Array.isArray(value)) return value.map(storableValue) as T;
  if (!isPlain(value)) return value;
  const entries = Object.entries(value).map(([name, inner]) => [storableText(name), storableValue(inner)]);
  return Object.fromEntries(entries) as T;
}

/**
 * {@link storableText} for text that is JSON, which stays JSON: nothing but the escapes of such characters is touched,
 * and where there is none this is the very same text.
 */
export function storableJson(json: string): string {
  // Almost every payload: looked through once, and not copied.
  if (!SUSPICIOUS.test(json)) return json;
  let high: { at: number; text: string } | undefined;
  let kept = 0;
  const parts: string[] = [];
  const spellOut = ({ at, text }: { at: number; text: string }): void => {
    parts.push(json.slice(kept, at), `\\${text.toLowerCase()}`);
    kept = at + text.length;
  };
  for (const match of json.matchAll(ESCAPE)) {
    const [text, digits] = match;
    const code = digits === undefined ? Number.NaN : Number.parseInt(digits, 16);
    if (high !== undefined) {
      const first = high;
      high = undefined;
      if (isLow(code) && match.index === first.at + first.text.length) continue;
      spellOut(first);
    }
    if (isHigh(code)) high = { at: match.index, text };
    else if (code === 0 || isLow(code)) spellOut({ at: match.index, text });
  }
  if (high !== undefined) spellOut(high);
  parts.push(json.slice(kept));
  return parts.join('');
}

function isHigh(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

function isLow(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

function escapeOf(code: number): string {
  return `u${code.toString(16).padStart(4, '0')}`;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
