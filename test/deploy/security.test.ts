import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../../rig/process.ts';
import { read } from './support.ts';

const text = read('docs/security.md');

describe('docs/security.md', () => {
  it('names tests that exist, by file and title', () => {
    const named = [...text.matchAll(/`(test\/[\w./-]+\.test\.ts)`(?:: “([^”]+)”)?/g)];
    expect(named.length).to.be.above(50);
    for (const [, file = '', title] of named) {
      expect(existsSync(join(ROOT, file)), file).to.equal(true);
      if (title !== undefined) expect(read(file), `${file}: ${title}`).to.contain(title);
    }
  });

  it('has a test beside every requirement that applies', () => {
    const [applying = '', others = ''] = text.split('### What does not apply');
    const rows = (part: string): string[] => part.split('\n').filter((line) => /^\| (?:V?\d)/.test(line));
    expect(rows(applying).length).to.be.above(40);
    for (const row of rows(applying)) expect(row).to.match(/`test\/[\w./-]+\.test\.ts`/);
    for (const row of rows(others)) expect(row).to.match(/^\| [^|]+ \| [^|]{8,} \|$/);
  });

  it('speaks of every chapter', () => {
    const chapters = new Set(
      [...text.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, ids = '']) =>
        [...ids.matchAll(/\bV?(\d{1,2})(?=[.,\s]|$)/g)].map(([, chapter]) => Number(chapter)),
      ),
    );
    for (let chapter = 1; chapter <= 17; chapter += 1) expect(chapters, `V${chapter}`).to.include(chapter);
  });
});
