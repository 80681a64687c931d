import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { ROOT } from '../../rig/process.ts';

describe('rig: the test report', () => {
  it('ends with one line of totals', async () => {
    const { code, lines } = await runMocha('passes');
    expect(lines.at(-1)).to.equal('1 passed, 0 failed, 0 skipped');
    expect(code).to.equal(0);
  });

  it('ends with a failure when a test fails', async () => {
    const { code, lines } = await runMocha('fails');
    expect(lines.at(-1)).to.equal('1 passed, 1 failed, 0 skipped');
    expect(code).to.equal(1);
  });

  it('prints why each test was skipped', async () => {
    const { code, lines } = await runMocha('skips');
    expect(lines).to.include('    fixture cannot run here: there is no moon tonight');
    expect(lines).to.include('    fixture suite swims: the tide is out');
    expect(lines.at(-1)).to.equal('1 passed, 0 failed, 2 skipped');
    expect(code).to.equal(0);
  });

  it('fails a run that skips without saying why', async () => {
    const { code, lines } = await runMocha('skips-silently');
    expect(lines).to.include('    fixture says nothing: NO REASON GIVEN');
    expect(code).to.equal(1);
  });

  it('fails a run that leaves something open', async () => {
    const { code, errors } = await runMocha('leaks');
    expect(errors).to.match(/still open: .*Timeout/);
    expect(code).to.equal(1);
  });
});

async function runMocha(which: string): Promise<{ code: number | null; lines: string[]; errors: string }> {
  const fixtures = 'test/rig/fixtures';
  const words = [
    '--no-config',
    '--reporter',
    './rig/mocha-reporter.ts',
    '--require',
    `./${fixtures}/leak-hooks.ts`,
  ];
  const child = spawn(
    process.execPath,
    ['node_modules/mocha/bin/mocha.js', ...words, join(fixtures, 'spec.ts')],
    {
      cwd: ROOT,
      env: { ...process.env, CASE: which, FORCE_COLOR: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { code, lines: output.trimEnd().split('\n'), errors };
}
