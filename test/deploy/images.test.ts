import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { createPrivateDir, type PrivateDir } from '../../rig/private-dir.ts';
import { ROOT } from '../../rig/process.ts';
import { imageFiles, imagesIn } from '../../scripts/images.ts';
import { composeFile, read } from './support.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

const pulled = imageFiles(ROOT).flatMap((file) =>
  imagesIn(file, read(file)).map((image) => ({ file, ...image })),
);

describe('The images that are pulled', () => {
  it('are those of the Dockerfile, of compose and of Kubernetes', () => {
    const names = pulled.map(({ name }) => name.replace(/:.*$/, ''));
    expect(names).to.include.members(['docker/dockerfile', 'node', 'debian']);
    const inCompose = Object.values(composeFile().services).filter(({ build }) => build === undefined);
    for (const { image } of inCompose) expect(names).to.include(image?.replace(/:.*$/, ''));
  });

  it('have each a tag or a digest; those without a digest are named here', () => {
    const unpinned = pulled.filter(({ digest }) => digest === undefined);
    for (const { file, name, tag } of unpinned) {
      console.log(`      without a digest: ${name} (${file})`);
      expect(tag, `${name} in ${file} has neither`).to.be.a('string').and.not.equal('latest');
    }
    for (const { name, digest } of pulled) {
      if (digest !== undefined) expect(digest, name).to.match(/^sha256:[0-9a-f]{64}$/);
    }
  });

  it('would be found without a tag too', () => {
    const found = imagesIn(
      'docker-compose.dev.yml',
      'services:\n  redis:\n    image: "host.test:5000/redis"\n',
    );
    expect(found).to.deep.equal([{ name: 'host.test:5000/redis', tag: undefined, digest: undefined }]);
  });
});

describe('scripts/pin-images', () => {
  let directory: PrivateDir;

  beforeEach(() => {
    directory = createPrivateDir('images');
    for (const file of imageFiles(ROOT)) {
      mkdirSync(join(directory.path, dirname(file)), { recursive: true });
      cpSync(join(ROOT, file), join(directory.path, file));
    }
  });
  afterEach(() => directory.remove());

  /** Runs it on the copy, with a Docker that answers what `answers` says (a case of the shell's). */
  function run(answers: string): Promise<{ code: number; output: string }> {
    const docker = join(directory.path, 'docker');
    writeFileSync(
      docker,
      `#!/bin/sh\ncase "$4" in\n${answers}\n*) echo "$4: not found" >&2; exit 1 ;;\nesac\n`,
    );
    chmodSync(docker, 0o755);
    const env = { ...process.env, PATH: `${directory.path}:${process.env.PATH}` };
    return new Promise((resolve) => {
      const words = [join(ROOT, 'scripts/pin-images.ts'), '--root', directory.path];
      execFile(process.execPath, words, { env }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
      );
    });
  }

  function inCopy(): { name: string; digest: string | undefined }[] {
    return imageFiles(directory.path).flatMap((file) =>
      imagesIn(file, readFileSync(join(directory.path, file), 'utf8')),
    );
  }

  it('writes the digests that a registry answers, and leaves everything else as it was', async () => {
    const { code } = await run(`*) echo ${DIGEST} ;;`);
    expect(code).to.equal(0);
    expect(inCopy().map(({ name }) => name)).to.deep.equal(pulled.map(({ name }) => name));
    for (const { name, digest } of inCopy()) expect(digest, name).to.equal(DIGEST);
    for (const file of imageFiles(ROOT)) {
      const before = readFileSync(join(directory.path, file), 'utf8').replaceAll(`@${DIGEST}`, '');
      expect(before, file).to.equal(read(file).replaceAll(/@sha256:[0-9a-f]{64}/g, ''));
    }
  });

  it('invents none: what no registry answers for is named and stays', async () => {
    const { code, output } = await run(`redis:*) echo ${DIGEST} ;;\ndebian:*) echo latest ;;`);
    expect(code).to.equal(1);
    for (const { name, digest } of inCopy()) {
      expect(digest, name).to.equal(name.startsWith('redis:') ? DIGEST : undefined);
      if (digest === undefined) expect(output).to.contain(`${name} stays without a digest`);
    }
  });
});
