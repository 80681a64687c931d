/**
 * Writes what production installs, as CycloneDX: `npm run sbom`, or `npm run sbom -- FILE` (dist/sbom.json otherwise).
 * It is read from package-lock.json, so it names the packages of every platform. Ends with 1 when it lacks one of the
 * dependencies that package.json names, or a checksum.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

type Component = {
  'bom-ref': string;
  name: string;
  version: string;
  hashes?: { alg: string }[];
  properties: { name: string; value: string }[];
};
type Bill = { components: Component[]; dependencies: { ref: string; dependsOn?: string[] }[] };
type Manifest = { dependencies: Record<string, string> };

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const file = resolve(process.argv[2] ?? join(ROOT, 'dist', 'sbom.json'));
const bill = ofProduction(await askNpm());
const { dependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Manifest;

const missing = Object.entries(dependencies).filter(
  ([name, version]) => !bill.components.some((each) => each.name === name && each.version === version),
);
const unchecked = bill.components.filter(({ hashes = [] }) => hashes.length === 0);

await mkdir(dirname(file), { recursive: true });
await writeFile(file, `${JSON.stringify(bill, null, 2)}\n`);
for (const [name, version] of missing) console.error(`The bill does not name ${name} ${version}`);
for (const { name, version } of unchecked) console.error(`The bill has no checksum for ${name} ${version}`);
if (missing.length + unchecked.length > 0) process.exitCode = 1;
else {
  console.log(
    `${file}: ${bill.components.length} packages, with all ${Object.keys(dependencies).length} of package.json`,
  );
}

async function askNpm(): Promise<Bill> {
  // npm refuses, and so does its `npm ci` before version 11, when a package asks for another beside it that the lock
  // file does not have: `overrides` in package.json says which ones do.
  const words = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'];
  const options = { cwd: ROOT, maxBuffer: 64 * 1_024 * 1_024 };
  return JSON.parse((await promisify(execFile)('npm', words, options)).stdout) as Bill;
}

/** npm's own `--omit=dev` leaves out what a package of production's has beside it and for its development too. */
function ofProduction(everything: Bill): Bill {
  const isOnlyOurs = ({ properties }: Component): boolean =>
    properties.some(({ name, value }) => name === 'cdx:npm:package:development' && value === 'true');
  const left = new Set(everything.components.filter(isOnlyOurs).map((each) => each['bom-ref']));
  return {
    ...everything,
    components: everything.components.filter((each) => !left.has(each['bom-ref'])),
    dependencies: everything.dependencies
      .filter(({ ref }) => !left.has(ref))
      .map((each) => ({ ...each, dependsOn: each.dependsOn?.filter((ref) => !left.has(ref)) })),
  };
}
