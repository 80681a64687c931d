import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createPrivateDir, type PrivateDir } from '../../rig/private-dir.ts';
import { ROOT } from '../../rig/process.ts';

describe('.ci/run', () => {
  let directory: PrivateDir;

  beforeEach(() => {
    directory = createPrivateDir('ci');
    mkdirSync(join(directory.path, '.ci'));
    cpSync(join(ROOT, '.ci/run'), join(directory.path, '.ci/run'));
  });
  afterEach(() => directory.remove());

  /** Runs it where npm says for each command what `answers` says (cases of the shell's), and else nothing. */
  function run(answers: string): Promise<{ code: number; lines: string[] }> {
    const commands = { node: 'exit 0', npm: `case "$*" in\n${answers}\n*) exit 0 ;;\nesac` };
    for (const [name, script] of Object.entries(commands)) {
      const path = join(directory.path, name);
      writeFileSync(path, `#!/bin/sh\n${script}\n`);
      chmodSync(path, 0o755);
    }
    const env = { PATH: `${directory.path}:${process.env.PATH}` };
    return new Promise((resolve) => {
      execFile('bash', [join(directory.path, '.ci/run')], { env }, (error, stdout) =>
        resolve({ code: error ? Number(error.code) : 0, lines: stdout.trim().split('\n') }),
      );
    });
  }

  const NO_AUDIT = `audit*) echo 'npm error audit endpoint returned an error' >&2; exit 1 ;;`;
  const TESTS = `test*) echo '7 passed, 0 failed, 0 skipped' ;;`;

  it('says in its last lines that nothing could be audited', async () => {
    const { code, lines } = await run(`${NO_AUDIT}\n${TESTS}`);
    expect(code).to.equal(0);
    expect(lines).to.include('7 passed, 0 failed, 0 skipped');
    expect(lines.at(-2)).to.equal('── Not checked');
    expect(lines.at(-1)).to.contain('this registry has no audit endpoint');
  });

  it('says so too when a step fails, and fails', async () => {
    const { code, lines } = await run(`${NO_AUDIT}\n*typecheck) exit 3 ;;\n${TESTS}`);
    expect(code).to.equal(3);
    expect(lines).not.to.include('7 passed, 0 failed, 0 skipped');
    expect(lines.at(-1)).to.contain('this registry has no audit endpoint');
  });

  it('ends with the tests where everything was checked', async () => {
    const { code, lines } = await run(`audit*) echo 'found 0 vulnerabilities' ;;\n${TESTS}`);
    expect(code).to.equal(0);
    expect(lines.at(-1)).to.equal('7 passed, 0 failed, 0 skipped');
  });

  it('fails on a finding, before anything else is run', async () => {
    const { code, lines } = await run(`audit*) echo '1 high severity vulnerability'; exit 1 ;;\n${TESTS}`);
    expect(code).to.equal(1);
    expect(lines.at(-1)).to.equal('1 high severity vulnerability');
  });
});
