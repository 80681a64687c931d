/**
 * Writes the digest of every image that we pull into the Dockerfile, docker-compose.dev.yml and deploy/kubernetes:
 *
 *     node scripts/pin-images.ts            asks each image's registry, through Docker, and writes what it answers
 *     node scripts/pin-images.ts --list     says which images have no digest, and asks nobody
 *     node scripts/pin-images.ts --root DIR works on another copy
 *
 * An image whose registry does not answer stays as it is and is named; the exit code is then 1. Images that are built
 * from this repository are no registry's to name: whoever builds one knows its digest.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { imageFiles, imagesIn, pin } from './images.ts';

const { values } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    root: { type: 'string', default: dirname(dirname(fileURLToPath(import.meta.url))) },
  },
});

let unanswered = 0;
for (const file of imageFiles(values.root)) {
  const path = join(values.root, file);
  const unpinned = imagesIn(file, readFileSync(path, 'utf8')).filter((image) => image.digest === undefined);
  for (const { name } of unpinned) {
    if (values.list) {
      console.log(`${file}: ${name}`);
      continue;
    }
    const digest = await digestOf(name);
    if (digest === undefined) {
      unanswered += 1;
      console.error(`${file}: ${name} stays without a digest`);
    } else {
      writeFileSync(path, pin(file, readFileSync(path, 'utf8'), name, digest));
      console.log(`${file}: ${name}@${digest}`);
    }
  }
}
if (unanswered > 0) process.exitCode = 1;

/** @returns `sha256:…`, of all platforms' images together; undefined when its registry could not be asked */
async function digestOf(name: string): Promise<string | undefined> {
  const words = ['buildx', 'imagetools', 'inspect', name, '--format', '{{.Manifest.Digest}}'];
  try {
    const digest = (await promisify(execFile)('docker', words, { timeout: 60_000 })).stdout.trim();
    if (/^sha256:[0-9a-f]{64}$/.test(digest)) return digest;
    console.error(`docker ${words.join(' ')} answered no digest`);
  } catch (error) {
    console.error(error instanceof Error ? error.message.trim() : error);
  }
  return undefined;
}
