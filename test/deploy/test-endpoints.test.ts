import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { baseEnvironment } from '../../rig/base-environment.ts';
import { type Matcha, startMatcha } from '../../rig/matcha.ts';
import { createPrivateDir } from '../../rig/private-dir.ts';
import { ROOT } from '../../rig/process.ts';
import { skipBecause } from '../../rig/skip.ts';
import { read } from './support.ts';

const SCRIPT = join(ROOT, 'test_endpoints.sh');

type Outcome = { code: number; output: string };

/** Puts commands before the real ones that write down their arguments. @returns what was written */
function watchArguments(directory: string, commands: readonly string[]): () => string {
  const log = join(directory, 'log');
  for (const command of commands) {
    const real = execFileSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).trim();
    const path = join(directory, command);
    writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' "$@" >>'${log}'\nexec '${real}' "$@"\n`);
    chmodSync(path, 0o755);
  }
  return () => readFileSync(log, 'utf8');
}

describe('The commands of docs/operations.md', () => {
  const blocks = [...read('docs/operations.md').matchAll(/```bash\n([\s\S]*?)```/g)].map(
    ([, code = '']) => code,
  );

  it('give no secret to a command as an argument', () => {
    const [name, ...others] = blocks.join('\n').match(/^admin\(\).*$/gm) ?? [];
    expect(name, 'how the operator calls').to.be.a('string');
    expect(others).to.deep.equal([]);
    const directory = createPrivateDir('arguments');
    try {
      const seen = watchArguments(directory.path, ['curl']);
      const key = 'the-internal-key-of-the-docs';
      const script = `${name}\nadmin http://127.0.0.1:1/ || true`;
      const env = { PATH: `${directory.path}:${process.env.PATH}`, INTERNAL_API_KEY: `${key},older` };
      execFileSync('bash', ['-c', script], { env, stdio: 'ignore' });
      expect(seen()).to.contain('http://127.0.0.1:1/').and.not.to.contain(key);
    } finally {
      directory.remove();
    }
  });

  it('have none written into them', () => {
    const secret = /\$\{?(?:\w*(?:KEY|SECRET|PASSWORD)|REDIS_URL)\b/;
    for (const line of blocks
      .join('\n')
      .split('\n')
      .filter((each) => secret.test(each))) {
      expect(line, 'builtins and assignments only').to.match(/^(?:admin\(\) \{ printf|export \w+=)/);
    }
  });
});

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

  it('gives no command a secret as an argument', async () => {
    const directory = createPrivateDir('arguments');
    try {
      const seen = watchArguments(directory.path, ['curl', 'openssl']);
      const { code } = await run(['--mutating'], {
        ...secrets(),
        PATH: `${directory.path}:${process.env.PATH}`,
      });
      expect(code).to.equal(0);
      const words = seen();
      expect(words).to.contain('/api/admin/webhook/events').and.to.contain('dgst');
      for (const [name, secret] of Object.entries(secrets())) expect(words, name).not.to.contain(secret);
      expect(words, 'a login token').not.to.match(/eyJ/);
    } finally {
      directory.remove();
    }
  });

  it('signs with secrets of any length', async () => {
    const long = { ...secrets(), JWT_SECRET: 'a'.repeat(65) };
    const { output } = await run([], long);
    // Only the logins are wrong then, as with any other key.
    const differing = output.split('\n').filter((line) => line.startsWith('DIFFERS'));
    expect(differing).not.to.be.empty;
    for (const line of differing) expect(line).to.contain(' 401 ');
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
