import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../../rig/process.ts';

/** Notes when it has the lock and when it gives it back. */
const HOLDER = `
  import { appendFileSync } from 'node:fs';
  const [module, directory] = process.argv.slice(1);
  const { withInstallLock } = await import(module);
  const note = (word) => appendFileSync(directory + '/notes', word + ' ' + process.pid + '\\n');
  await withInstallLock(directory, async () => {
    note('in');
    await new Promise((resolve) => setTimeout(resolve, 60));
    note('out');
  });
`;

describe('bootstrap: the lock around an installation', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'matcha-test-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function hold(): Promise<number | null> {
    const words = [
      '--input-type=module',
      '--eval',
      HOLDER,
      join(ROOT, 'scripts/install-lock.mjs'),
      directory,
    ];
    const child = spawn(process.execPath, words, { stdio: 'ignore' });
    const [code] = await once(child, 'exit');
    return code;
  }

  it('lets one in at a time, and takes over from one that died', async () => {
    const dead = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await once(dead, 'exit');
    await writeFile(join(directory, 'install.lock'), String(dead.pid));

    const codes = await Promise.all(Array.from({ length: 5 }, hold));

    expect(codes).to.deep.equal([0, 0, 0, 0, 0]);
    const notes = (await readFile(join(directory, 'notes'), 'utf8')).trimEnd().split('\n');
    expect(notes).to.have.length(10);
    for (let index = 0; index < notes.length; index += 2) {
      expect(notes[index + 1]).to.equal(notes[index]?.replace('in', 'out'));
    }
  });
});
