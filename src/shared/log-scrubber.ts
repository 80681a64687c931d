/** Where a word begins, also right behind one of JSON's escapes, whose own letter is no part of it. */
const BEGIN = '(?:\\b|(?<=\\\\(?:[nrtbf]|u[0-9a-fA-F]{4})))';

/** What must not be in a log line wherever it stands, also in the middle of a sentence that a library wrote. */
const SECRETS = [
  // Stripe's client secrets, keys and signing secrets.
  `${BEGIN}(?:pi|seti|cs|in|sub)_[A-Za-z0-9]+_secret_[A-Za-z0-9]+`,
  `${BEGIN}(?:sk|rk|whsec)_[A-Za-z0-9_]{6,}`,
  `${BEGIN}v1=[0-9a-f]{32,}`,
  // Login tokens.
  `${BEGIN}eyJ[\\w-]{8,}\\.[\\w-]+(?:\\.[\\w-]*)?`,
  `${BEGIN}Bearer [\\w.~+/-]{8,}=*`,
  // User and password of a URL.
  '(?<=:\\/\\/)[^@/\\s"\\\\]+(?=@)',
].join('|');

const EMAIL = "[\\w.+'-]+@[\\w-]+(?:\\.[\\w-]+)+";

/** Fourteen to nineteen digits, perhaps in groups; thirteen are a time in milliseconds. */
const CARD = `(?<!\\.)${BEGIN}\\d(?:[ -]?\\d){13,18}(?![\\w])`;

/** JSON's own escapes come first, so that `\n` before an address does not lose its `n`. */
const FOUND = new RegExp(`(\\\\(?:u[0-9a-fA-F]{4}|.))|(${SECRETS})|(${EMAIL})|(${CARD})`, 'g');

/** What every find has in it. Most lines have none of it, and finding that out costs a tenth of looking closely. */
const SUSPICIOUS = /@|(?:sk|rk|whsec)_|_secret_|v1=|eyJ|Bearer |\d(?:[ -]?\d){13}/;

/** Leaves secrets, card numbers and e-mail addresses out of a line of JSON, which stays one. */
export function scrub(line: string): string {
  if (!SUSPICIOUS.test(line)) return line;
  return line.replace(FOUND, (whole: string, escaped?: string, secret?: string, email?: string) => {
    if (escaped !== undefined) return whole;
    if (secret !== undefined) return '[redacted]';
    if (email !== undefined) return '[e-mail]';
    return isCardNumber(whole) ? '[card]' : whole;
  });
}

/** By the check digit (Luhn) that every card number has. */
function isCardNumber(text: string): boolean {
  const digits = [...text].filter((character) => character >= '0' && character <= '9').map(Number);
  const sum = digits.reverse().reduce((total, digit, index) => {
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}
