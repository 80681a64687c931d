import { execFile } from 'node:child_process';
import { copyFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { baseEnvironment } from '../../rig/base-environment.ts';
import { Databases } from '../../rig/databases.ts';
import { createPrivateDir, type PrivateDir } from '../../rig/private-dir.ts';
import { ROOT } from '../../rig/process.ts';
import { procfile, read, sourcesBelow } from './support.ts';

type Outcome = { code: number; output: string };

type Manifest = { dependencies: Record<string, string>; devDependencies: Record<string, string> };
type Lock = { packages: Record<string, { dev?: boolean; optionalDependencies?: Record<string, string> }> };

const manifest = JSON.parse(read('package.json')) as Manifest;
const lock = JSON.parse(read('package-lock.json')) as Lock;

describe('The production build', function () {
  this.timeout(60_000);
  let directory: PrivateDir;
  let databases: Databases;

  before(async () => {
    databases = new Databases({
      host: process.env.TEST_DB_HOST ?? '',
      port: Number(process.env.TEST_DB_PORT),
      user: process.env.TEST_DB_USER ?? '',
      password: process.env.TEST_DB_PASSWORD ?? '',
    });
    directory = createPrivateDir('build');
    const built = await run(
      join(ROOT, 'node_modules/typescript/bin/tsc'),
      ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(directory.path, 'dist')],
      {},
    );
    expect(built).to.deep.equal({ code: 0, output: '' });
    copyFileSync(join(ROOT, 'package.json'), join(directory.path, 'package.json'));
    symlinkSync(join(ROOT, 'node_modules'), join(directory.path, 'node_modules'));
  });
  after(() => directory.remove());

  /** Runs a script with this Node, from the build's directory, with nothing else in its environment. */
  function run(script: string, args: string[], env: Record<string, string>): Promise<Outcome> {
    const options = { cwd: directory.path, env: { ...baseEnvironment(), ...env } };
    return new Promise((resolve) => {
      execFile(process.execPath, [script, ...args], options, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
      );
    });
  }

  /** The script of a line of the Procfile. */
  function scriptOf(type: string): string {
    const [, script] = /^node (?:--\S+ )*(\S+)$/.exec(procfile()[type] ?? '') ?? [];
    if (script === undefined) throw new Error(`The Procfile has no ${type} that is one script`);
    return script;
  }

  for (const type of ['web', 'worker', 'gateway', 'release']) {
    it(`starts as the Procfile's ${type}, as far as a missing environment lets it`, async () => {
      const { code, output } = await run(scriptOf(type), [], {});
      expect(code).to.equal(1);
      expect(output).to.contain('Cannot start, fix the environment first').and.to.contain('is missing');
    });
  }

  it('migrates an empty database, and leaves it alone the second time', async () => {
    const name = 'deploy_build';
    await databases.create(name);
    try {
      const env = databases.environment(name);
      const first = await run(scriptOf('release'), [], env);
      expect(first.output).to.match(/Applied \d+ migrations/);
      expect(first.code).to.equal(0);
      const second = await run(scriptOf('release'), [], env);
      expect(second.output).to.contain('The database is up to date');
      const [row] = await databases.query(name, `select to_regclass('webhook_events') is not null as there`);
      expect(row).to.deep.equal({ there: true });
    } finally {
      await databases.drop(name);
    }
  });

  it('imports nothing that npm ci --omit=dev leaves out', async () => {
    const files = [...(await sourcesBelow('src')), ...(await sourcesBelow('migrations'))];
    for (const file of files) {
      const imports = [
        ...read(file).matchAll(/(?:\bfrom|\bimport\(?)\s*'((?:@[\w.-]+\/)?[\w-][\w.-]*)[^']*'/g),
      ];
      for (const [, name = ''] of imports) {
        if (name.startsWith('node:') || name === 'node') continue;
        expect(manifest.dependencies, `${file} imports ${name}`).to.have.property(name);
      }
    }
  });

  it('leaves the private Node out of production', () => {
    expect(manifest.devDependencies).to.have.property('matcha-paiements-node', 'file:scripts/node');
    const binaries = Object.entries(lock.packages).filter(([path]) =>
      /^node_modules\/node-linux-/.test(path),
    );
    expect(binaries).not.to.be.empty;
    for (const [path, { dev }] of binaries) expect(dev, path).to.equal(true);
  });

  it('can be installed with npm ci: the lock file has every package, also those for other platforms', () => {
    // npm ci refuses a lock file that lacks one of them, on every platform.
    for (const [path, { optionalDependencies = {} }] of Object.entries(lock.packages)) {
      for (const name of Object.keys(optionalDependencies)) {
        const found = [`${path}/node_modules/${name}`, `node_modules/${name}`].some(
          (key) => key in lock.packages,
        );
        expect(found, `${name}, wanted by ${path}`).to.equal(true);
      }
    }
  });
});
