import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { CORE_SCHEMA, load, mergeTag } from 'js-yaml';
import { ROOT } from '../../rig/process.ts';

/** A file of the project, by its path from the root. */
export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

export type ComposeService = {
  image?: string;
  build?: { context: string; target: string };
  command?: string[];
  environment?: Record<string, string>;
  env_file?: string[];
  ports?: string[];
  volumes?: string[];
  container_name?: string;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  restart?: string;
  stop_grace_period?: string;
};

export type ComposeFile = { services: Record<string, ComposeService>; volumes: Record<string, unknown> };

/** `docker-compose.dev.yml`, its merge keys resolved as Compose resolves them. */
export function composeFile(): ComposeFile {
  return load(read('docker-compose.dev.yml'), { schema: CORE_SCHEMA.withTags(mergeTag) }) as ComposeFile;
}

/** The services that run our own image. */
export function ownServices(): [string, ComposeService][] {
  return Object.entries(composeFile().services).filter(([, service]) => service.build !== undefined);
}

/** Procfile: process type to command. */
export function procfile(): Record<string, string> {
  const lines = read('Procfile').trim().split('\n');
  return Object.fromEntries(
    lines.map((line) => {
      const [, type, command] = /^([a-z_]+): (.+)$/.exec(line) ?? [];
      if (!type || !command) throw new Error(`Not a line of a Procfile: ${line}`);
      return [type, command];
    }),
  );
}

export type Instruction = { stage: string; name: string; rest: string };

/** The instructions of the Dockerfile in order, with the stage each belongs to. */
export function dockerfile(): Instruction[] {
  let stage = '';
  return read('Dockerfile')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? [];
      if (name === '') throw new Error(`Not an instruction of a Dockerfile: ${line}`);
      if (name === 'FROM') stage = / AS (\S+)$/.exec(rest)?.[1] ?? '';
      return { stage, name, rest };
    });
}

/** The one instruction of a name in a stage. */
export function instruction(stage: string, name: string): string {
  const found = dockerfile().filter((each) => each.stage === stage && each.name === name);
  if (found.length !== 1) throw new Error(`${stage} has ${found.length} ${name}`);
  return found[0]?.rest ?? '';
}

/** `.env.example` as a process would see it. */
export function envExample(): Record<string, string> {
  return parseEnv(read('.env.example')) as Record<string, string>;
}

/** Every TypeScript file below a directory of the project, by path from the root. */
export async function sourcesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, directory), { recursive: true });
  return entries.filter((entry) => entry.endsWith('.ts')).map((entry) => `${directory}/${entry}`);
}

/** Names of environment variables that the configuration code of web, worker, gateway and sandbox mentions. */
export async function configuredVariables(): Promise<Set<string>> {
  const files = [...(await sourcesBelow('src')).filter(isConfiguration), 'sandbox/config.ts'];
  const names = files.flatMap((file) => {
    const code = read(file).replace(/\/\*[\s\S]*?\*\//g, '');
    const ofSchemas = [...code.matchAll(/\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+):/g)];
    const ofReads = [...code.matchAll(/\benv(?:\.|\[')([A-Z][A-Z0-9_]+)/g)];
    return [...ofSchemas, ...ofReads].map(([, name = '']) => name);
  });
  return new Set(names);
}

function isConfiguration(path: string): boolean {
  return /\/config(?:\/[\w-]+)?\.ts$/.test(path);
}
