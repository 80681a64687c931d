import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { poll } from '../../rig/poll.ts';
import { ROOT } from '../../rig/process.ts';
import { fails, reach } from './support.ts';

describe('rig: leftovers', function () {
  this.timeout(60_000);
  let temporary: string;

  beforeEach(async () => {
    // World-accessible like the real one: PostgreSQL runs as another user when we are root.
    temporary = await mkdtemp(join(tmpdir(), 'matcha-test-'));
    await chmod(temporary, 0o755);
  });
  afterEach(() => rm(temporary, { recursive: true, force: true }));

  /** Starts the fixture with a temporary directory of its own and waits until everything in it is up. */
  async function startInstallation(mode = 'normal') {
    const child = spawn(process.execPath, [join(ROOT, 'test/rig/fixtures/installation.ts')], {
      env: { ...process.env, TMPDIR: temporary, MODE: mode },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const { ports } = JSON.parse(line.replace(/^up /, '')) as { ports: number[] };
    await Promise.all(ports.map(reach));
    return { child, exited, ports };
  }

  /** Waits until no port answers and the temporary directory is empty. */
  async function nothingIsLeft(ports: readonly number[]): Promise<boolean> {
    const clean = async (): Promise<true | undefined> => {
      const closed = await Promise.all(ports.map((port) => fails(() => reach(port))));
      const files = (await readdir(temporary)).filter((name) => name.startsWith('matcha-'));
      return closed.every(Boolean) && files.length === 0 ? true : undefined;
    };
    return (await poll(clean, { everyMs: 50, timeoutMs: 20_000 })) ?? false;
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it(`stops everything on ${signal}, before it ends itself`, async () => {
      const { child, exited, ports } = await startInstallation();
      child.kill(signal);
      const [code] = await exited;
      expect(code).to.be.greaterThan(128);
      await Promise.all(ports.map(async (port) => expect(await fails(() => reach(port))).to.equal(true)));
      expect(await readdir(temporary)).to.deep.equal([]);
    });
  }

  it('leaves nothing behind when it is killed outright', async () => {
    const { child, exited, ports } = await startInstallation();
    child.kill('SIGKILL');
    await exited;
    expect(await nothingIsLeft(ports)).to.equal(true);
  });

  it('leaves nothing behind when a second Ctrl-C cuts the stopping short', async () => {
    const { child, exited, ports } = await startInstallation('hangs');
    const interval = setInterval(() => child.kill('SIGINT'), 400);
    const [code] = await exited;
    clearInterval(interval);
    expect(code).to.equal(130);
    expect(await nothingIsLeft(ports)).to.equal(true);
  });
});
