/*
 * Every pattern here takes time in proportion to the line, whatever is in it, because lines hold what strangers sent.
 * So none may begin at many places of a run of characters and read to the run's end from each: what may begin anywhere
 * is either bounded in length, or cannot fail once it has read far.
 */

/** Where a word begins, also right behind one of JSON's escapes, whose own letter is no part of it. */
const BEGIN = '(?:\\b|(?<=\\\\(?:[nrtbf]|u[0-9a-fA-F]{4})))';

/** What must not be in a log line wherever it stands, also in the middle of a sentence that a library wrote. */
const SECRET_WORDS = [
  // Stripe's client secrets, keys and signing secrets.
  '(?:pi|seti|cs|in|sub)_[A-Za-z0-9]+_secret_[A-Za-z0-9]+',
  '(?:sk|rk|whsec)_[A-Za-z0-9_]{6,}',
  'v1=[0-9a-f]{32,}',
  // Login tokens, also when only their beginning is left.
  'eyJ[\\w-]{8,}(?:\\.[\\w-]*){0,2}',
  'Bearer [\\w.~+/-]{8,}=*',
].join('|');

/** User and password of a URL, which need not be words. */
const CREDENTIALS = '(?<=:\\/\\/)[^@/\\s"\\\\]+(?=@)';

/** Fourteen to nineteen digits, perhaps in groups; thirteen are a time in milliseconds. */
const CARD = '(?<!\\.)\\d(?:[ -]?\\d){13,18}(?![\\w])';

/** JSON's own escapes come first, so that `\n` before an address does not lose its `n`. */
const FOUND = new RegExp(
  `((?:\\\\(?:u[0-9a-fA-F]{4}|.))+)|(${CREDENTIALS})|${BEGIN}(?:(${SECRET_WORDS})|${CARD})`,
  'g',
);

/** The part of an e-mail address behind what the person chose. */
const AT_DOMAIN = /@[\w-]+(?:\.[\w-]+)+/y;

/** One character of what the person chose. */
const LOCAL_CHARACTER = /[\w.+'-]/;

const ZERO = '0'.charCodeAt(0);

/** What every find has in it. Most lines have none of it, and finding that out costs a tenth of looking closely. */
const SUSPICIOUS = /@|(?:sk|rk|whsec)_|_secret_|v1=|eyJ|Bearer |\d(?:[ -]?\d){13}/;

/** Somebody's address in a line: where it begins, its `@`, and where it ends. */
type Mail = { readonly start: number; readonly at: number; readonly end: number };

/** What {@link FOUND} found: where it begins and ends, and what takes its place. */
type Find = { readonly start: number; readonly end: number; readonly text: string; readonly card: boolean };

/** Puts something else in the place of every e-mail address of a text that has no escapes in it. */
export function maskMails(text: string, mask: string): string {
  let masked = '';
  let done = 0;
  for (const { start, at, end } of mailsIn(text)) {
    if (at <= done) continue;
    masked += text.slice(done, Math.max(start, done)) + mask;
    done = end;
  }
  return masked + text.slice(done);
}

/** Leaves secrets, card numbers and e-mail addresses out of a line of JSON, which stays one. */
export function scrub(line: string): string {
  if (!SUSPICIOUS.test(line)) return line;
  const mails = mailsIn(line);
  let mail = mails.next().value;
  let find = findFrom(line, 0);
  let scrubbed = '';
  let done = 0;
  while (find !== undefined || mail !== undefined) {
    // Of an address whose beginning went with something else, the rest goes.
    const mailStart = mail === undefined ? Number.POSITIVE_INFINITY : Math.max(mail.start, done);
    if (mail !== undefined && mailStart >= mail.at) {
      mail = mails.next().value;
    } else if (find !== undefined && find.start < done) {
      find = findFrom(line, done);
    } else if (mail !== undefined && comesBefore(mailStart, find)) {
      scrubbed += `${line.slice(done, mailStart)}[e-mail]`;
      done = mail.end;
    } else if (find !== undefined) {
      scrubbed += line.slice(done, find.start) + find.text;
      done = find.end;
    }
  }
  return scrubbed + line.slice(done);
}

function comesBefore(mailStart: number, find: Find | undefined): boolean {
  return find === undefined || mailStart < find.start || (mailStart === find.start && find.card);
}

/** The addresses of a line from left to right. Looks both ways from each `@`, and so at each character twice at most. */
function* mailsIn(line: string): Generator<Mail, undefined> {
  for (let at = line.indexOf('@'); at !== -1; at = line.indexOf('@', at + 1)) {
    AT_DOMAIN.lastIndex = at;
    if (!AT_DOMAIN.test(line)) continue;
    let start = at;
    while (start > 0 && LOCAL_CHARACTER.test(line.charAt(start - 1))) start -= 1;
    if (start < at) yield { start, at, end: AT_DOMAIN.lastIndex };
  }
}

function findFrom(line: string, position: number): Find | undefined {
  FOUND.lastIndex = position;
  const match = FOUND.exec(line);
  if (match === null) return undefined;
  const [whole, escaped, credentials, word] = match;
  const span = { start: match.index, end: match.index + whole.length };
  if (escaped !== undefined) return { ...span, text: whole, card: false };
  if (credentials !== undefined || word !== undefined) return { ...span, text: '[redacted]', card: false };
  return { ...span, text: isCardNumber(whole) ? '[card]' : whole, card: true };
}

/** By the check digit (Luhn) that every card number has. */
function isCardNumber(text: string): boolean {
  let sum = 0;
  let isSecond = false;
  for (let index = text.length - 1; index >= 0; index -= 1) {
    const digit = text.charCodeAt(index) - ZERO;
    // What groups digits is neither one nor counted.
    if (digit < 0) continue;
    const counted = isSecond ? digit * 2 : digit;
    sum += counted > 9 ? counted - 9 : counted;
    isSecond = !isSecond;
  }
  return sum % 10 === 0;
}
