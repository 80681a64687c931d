import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Where each folder may import from, besides itself and packages. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'src/shared': ['migrations'],
  'src/api': ['src/shared'],
  'src/workers': ['src/shared'],
  'src/gateway': ['src/shared'],
  migrations: [],
};

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));
}

function relativeImports(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const found = text.matchAll(/(?:from\s+|import\s+|import\()'(\.[^']+)'/g);
  return [...found].map(([, path]) => relative(ROOT, resolve(ROOT, dirname(file), path ?? '')));
}

describe('The source', () => {
  for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
    it(`lets ${folder} import from ${allowed.join(', ') || 'nowhere else'} only`, () => {
      const files = sources(folder);
      expect(files, folder).to.not.be.empty;
      const strays = files.flatMap((file) =>
        relativeImports(file)
          .filter((path) => ![folder, ...allowed].some((root) => path.startsWith(`${root}/`)))
          .map((path) => `${file} imports ${path}`),
      );
      expect(strays).to.deep.equal([]);
    });
  }

  it('never divides money by a hundred: a currency knows its own decimals', () => {
    const guilty = Object.keys(MAY_IMPORT)
      .flatMap(sources)
      .filter((file) => /\/\s*100\b(?!_)/.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(guilty).to.deep.equal([]);
  });
});
