import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { ROOT } from '../../rig/process.ts';
import { fails } from './support.ts';

describe('demo: the program', function () {
  this.timeout(120_000);
  let temporary: string;

  beforeEach(async () => {
    // World-accessible like the real one: PostgreSQL runs as another user when we are root.
    temporary = await mkdtemp(join(tmpdir(), 'matcha-test-'));
    await chmod(temporary, 0o755);
  });
  afterEach(() => rm(temporary, { recursive: true, force: true }));

  function startDemo(...args: string[]) {
    const { REDIS_URL: _foreign, ...env } = process.env;
    return spawn(process.execPath, [join(ROOT, 'demo/main.ts'), ...args], {
      env: { ...env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async function leftBehind(): Promise<string[]> {
    // Node's own compile cache is not ours.
    return (await readdir(temporary)).filter((name) => name.startsWith('matcha-'));
  }

  it('goes through a whole purchase by itself and leaves nothing behind', async () => {
    const demo = startDemo('--once');
    const exited = once(demo, 'close');
    const [output, errors, [code]] = await Promise.all([text(demo.stdout), text(demo.stderr), exited]);
    expect(code, `${output}\n${errors}`).to.equal(0);
    expect(output).to.match(/✓ premium_activated over the websocket/);
    expect(output.trimEnd().split('\n').at(-1)).to.match(/^✓ everything stopped/);
    expect(await leftBehind()).to.deep.equal([]);
  });

  it('serves its page until Ctrl-C, and leaves nothing behind', async () => {
    const demo = startDemo();
    const exited = once(demo, 'exit');
    let url = '';
    for await (const line of createInterface({ input: demo.stdout })) {
      url = /The page:\s+(\S+)/.exec(line)?.[1] ?? '';
      if (url !== '') break;
    }
    expect(await (await fetch(url)).text()).to.match(/Matcha Premium/);
    demo.kill('SIGINT');
    const [code] = await exited;
    expect(code).to.equal(130);
    expect(await fails(() => fetch(url))).to.equal(true);
    expect(await leftBehind()).to.deep.equal([]);
  });

  it('says what is wrong and ends with 1 when it cannot start', async () => {
    const demo = startDemo('--once', '--port', '70000');
    const exited = once(demo, 'close');
    const [errors, [code]] = await Promise.all([text(demo.stderr), exited]);
    expect(errors).to.match(/--port 70000 is no port/);
    expect(code).to.equal(1);
    expect(await leftBehind()).to.deep.equal([]);
  });
});
