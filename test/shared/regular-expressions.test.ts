import { expect } from 'chai';
import { read, sourcesBelow } from '../deploy/support.ts';
import { cpuTime } from '../support/cpu-time.ts';

/**
 * As much as all headers of a request may have. A pattern that reads it once needs a fraction of a millisecond; one
 * that reads it again from each of its places, some hundred.
 */
const LENGTH = 16 * 1_024;
const SLOW_MS = 25;

/** What hostile text is made of: one of these again and again. */
const UNITS = (() => {
  const singles = [
    'a',
    '1',
    '.',
    '-',
    '_',
    '/',
    '@',
    ':',
    ' ',
    '\t',
    '\n',
    "'",
    '"',
    '\\',
    '=',
    '+',
    ',',
    '%',
    '{',
    '[',
    'é',
  ];
  const pairs = singles.flatMap((left) =>
    singles.filter((right) => right !== left).map((right) => left + right),
  );
  return [...singles, ...pairs, 'eyJ', 'eyJ-', 'sk_a-', 'pi_a_secret', 'whsec_', 'a@a.', "''", '\\\\'];
})();
/** Behind it, so that what fitted all along does not fit in the end. */
const ENDS = ['', '!', 'a'];

/** The regular expressions written in a file. A path in an import that looks like one does no harm. */
function literalsIn(source: string): RegExp[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const found = code.matchAll(
    /(?<![\w)\]*/])\/(?![/*\s])((?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/([dgimsuvy]*)(?=[\s.,;)\]:]|$)/gm,
  );
  return [...found].flatMap(([, pattern = '', flags = '']) => {
    try {
      return [new RegExp(pattern, flags)];
    } catch {
      return [];
    }
  });
}

/** The literal text that a pattern begins with, which hostile text has to begin with as well. */
function beginningOf({ source }: RegExp): string {
  const [plain = ''] = /^\^?(?:\\b)?(?:[\w:\-= ,]|\\\/)*/.exec(source) ?? [];
  return plain.replace(/^\^?(?:\\b)?/, '').replaceAll('\\/', '/');
}

/** A text that takes a pattern long, in words; undefined when none does. */
function slowText(pattern: RegExp): string | undefined {
  const beginning = beginningOf(pattern);
  for (const start of new Set(['', beginning, `${beginning} a`])) {
    for (const unit of UNITS) {
      const run = start + unit.repeat(LENGTH / unit.length);
      for (const end of ENDS) {
        if (cpuTime(() => void (run + end).replace(pattern, ''), SLOW_MS) > SLOW_MS)
          return JSON.stringify([start, unit, end]);
      }
    }
  }
  return undefined;
}

describe('The regular expressions of the service', function () {
  this.timeout(120_000);

  it('are told from slow ones by this test', () => {
    for (const slow of [/[\w.+'-]+@[\w-]+/, /\/+$/]) {
      expect(slowText(slow), String(slow)).to.be.a('string');
    }
  });

  it('take time in proportion to the text, whatever is in it', async () => {
    const slow: string[] = [];
    let looked = 0;
    for (const file of await sourcesBelow('src')) {
      for (const pattern of literalsIn(read(file))) {
        looked += 1;
        const text = slowText(pattern);
        if (text !== undefined) slow.push(`${file}: ${pattern} for ${text}`);
      }
    }
    expect(looked).to.be.above(50);
    expect(slow).to.deep.equal([]);
  });

  it('are written as literals, where this test finds them, but for the log’s', async () => {
    const built = (await sourcesBelow('src')).filter((file) => /\bRegExp\(/.test(read(file)));
    expect(built).to.deep.equal(['src/shared/log-scrubber.ts']);
  });
});
