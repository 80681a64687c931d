import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { baseEnvironment } from '../../rig/base-environment.ts';
import { type Matcha, startMatcha } from '../../rig/matcha.ts';
import { ROOT } from '../../rig/process.ts';
import { skipBecause } from '../../rig/skip.ts';

const SCRIPT = join(ROOT, 'test_endpoints.sh');

type Outcome = { code: number; output: string };

describe('test_endpoints.sh', function () {
  this.timeout(120_000);
  let matcha: Matcha;

  before(async function () {
    for (const tool of ['bash', 'curl', 'openssl']) {
      if (!isInstalled(tool)) skipBecause(this, `${tool} is not installed`);
    }
    matcha = await startMatcha({ durability: 'fast' });
    await matcha.query(
      `insert into users (username, email, email_verified) values ('a', 'a@example.org', true)`,
    );
  });
  after(() => matcha?.close());

  function run(args: readonly string[], settings: Record<string, string>): Promise<Outcome> {
    const env = { ...baseEnvironment(), BASE_URL: matcha.urls.web, ...settings };
    return new Promise((resolve) => {
      execFile('bash', [SCRIPT, ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
      );
    });
  }

  const secrets = () => ({
    JWT_SECRET: matcha.secrets.jwtSecret,
    INTERNAL_API_KEY: matcha.secrets.internalKey,
    STRIPE_WEBHOOK_SECRET: matcha.secrets.webhookSecret,
  });

  it('finds every route as it should be, and buys nothing unless told to', async () => {
    const { code, output } = await run([], secrets());
    expect(output).not.to.contain('DIFFERS');
    expect(output).to.match(/\b0 differ, 0 skipped/);
    expect(code).to.equal(0);
    expect(await matcha.query('select 1 from checkout_sessions')).to.deep.equal([]);
  });

  it('goes through buying and cancelling when told to', async () => {
    const { code, output } = await run(['--mutating'], secrets());
    expect(output).not.to.contain('DIFFERS');
    expect(code).to.equal(0);
    expect(await matcha.query('select 1 from checkout_sessions')).not.to.deep.equal([]);
  });

  it('skips what it has no secret for', async () => {
    const { code, output } = await run([], {});
    expect(output).to.match(/\b0 differ, 3 skipped/);
    expect(code).to.equal(0);
  });

  it('fails when an answer differs', async () => {
    const { code, output } = await run([], { ...secrets(), INTERNAL_API_KEY: 'another-key' });
    expect(output).to.contain('DIFFERS');
    expect(code).to.equal(1);
  });

  it('says so when nothing answers', async () => {
    const { code, output } = await run([], { BASE_URL: 'http://127.0.0.1:1' });
    expect(output).to.contain('Nothing answers at http://127.0.0.1:1');
    expect(code).to.equal(2);
  });
});

function isInstalled(tool: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${tool}`]);
    return true;
  } catch {
    return false;
  }
}
