import { maskMails } from '../../shared/log-scrubber.ts';

/** Most characters of a message that the board shows. */
const LONGEST = 1_000;

type Hidden = readonly [pattern: RegExp, replacement: string];

/**
 * Quoted values first: a database's error quotes whole rows. One that is cut off counts to the end; an apostrophe
 * within a word quotes nothing.
 */
const QUOTED: readonly Hidden[] = [
  [/(?<!\w)'(?:[^'\\]|\\[\s\S]?|'')*(?:'|$)/g, "'…'"],
  [/"(?:[^"\\]|\\[\s\S]?)*(?:"|$)/g, '"…"'],
  [/\b[a-z][a-z0-9+.-]{0,30}:\/\/\S+/gi, '[url]'],
];

const SECRETS: readonly Hidden[] = [
  [/\b(?:sk|rk|pk|whsec|seti|pi|cs)_(?:test_|live_)?\w+_secret_\w+/g, '[secret]'],
  [/\b(?:sk|rk|whsec)_\w+/g, '[secret]'],
  [/\beyJ[\w.-]+/g, '[token]'],
  // Card numbers and their last four, telephone numbers; ids have letters in them and stay.
  [/(?<![\w.])\+?\d(?:[ -]?\d){3,}(?!\w)/g, '[digits]'],
];

/** A message as an operator may read it: what went wrong, without the values it happened to. */
export function safeText(text: string): string {
  const short = text.slice(0, 4 * LONGEST);
  return hide(maskMails(hide(short, QUOTED), '[email]'), SECRETS).slice(0, LONGEST);
}

function hide(text: string, hidden: readonly Hidden[]): string {
  return hidden.reduce((shown, [pattern, replacement]) => shown.replace(pattern, replacement), text);
}

/** Where in the code it went wrong. */
const FRAME = /^\s+at [^\n]+:\d+:\d+\)?$/;

/** A stack trace: its message made safe, and the lines that name code. */
export function safeStack(stack: string): string {
  const lines = stack.split('\n');
  const frames = lines.filter((line) => FRAME.test(line));
  const message = lines.slice(
    0,
    lines.findIndex((line) => FRAME.test(line)),
  );
  return [safeText((frames.length > 0 ? message : lines).join('\n')), ...frames.slice(0, 50)].join('\n');
}
