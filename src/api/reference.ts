import { randomInt } from 'node:crypto';

/** Without what is taken for something else when read aloud or copied by hand. */
const LETTERS = '23456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A number a person can keep, and quote to us: `7KQM-2XH4-9D`. */
export function newReference(): string {
  const text = Array.from({ length: 10 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  return `${text.slice(0, 4)}-${text.slice(4, 8)}-${text.slice(8)}`;
}
