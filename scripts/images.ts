/** Which images this project pulls, and where they are named. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** An image as a file names it. */
export type Image = {
  /** With its tag, such as `redis:7-bookworm`. */
  name: string;
  tag: string | undefined;
  /** `sha256:…`, when the file has it. */
  digest: string | undefined;
};

const KUBERNETES = 'deploy/kubernetes';
/** Built from this repository. Their names say nothing to a registry, or name somebody else's there. */
const OURS = /^matcha-paiements(?:-service)?(?::|@|$)/;

/** Every file below a copy of the project that names images, by path from there. */
export function imageFiles(root: string): string[] {
  const files = readdirSync(join(root, KUBERNETES)).filter((file) => file.endsWith('.yaml'));
  return ['Dockerfile', 'docker-compose.dev.yml', ...files.map((file) => `${KUBERNETES}/${file}`)].filter(
    (file) => existsSync(join(root, file)),
  );
}

/** The images that a file pulls, each once. Stages of a Dockerfile are none, nor is what is built from here. */
export function imagesIn(file: string, text: string): Image[] {
  const stages = new Set([...text.matchAll(/^FROM\s+\S+\s+AS\s+(\S+)/gim)].map(([, stage]) => stage));
  const named = [...text.matchAll(patternFor(file))].map(([, , reference = '']) => reference);
  return [...new Set(named)]
    .filter((reference) => !stages.has(reference) && !OURS.test(reference))
    .map((reference) => {
      const [name = '', digest] = reference.split('@');
      const [, tag] = /:([^:/]+)$/.exec(name) ?? [];
      return { name, tag, digest };
    });
}

/** Puts a digest behind an image's name, everywhere in a file. */
export function pin(file: string, text: string, name: string, digest: string): string {
  return text.replace(patternFor(file), (line, before: string, reference: string) =>
    reference === name ? `${before}${name}@${digest}` : line,
  );
}

/** What stands before an image's name, then the name. */
function patternFor(file: string): RegExp {
  return file === 'Dockerfile'
    ? /^(#\s*syntax=|FROM\s+(?:--platform=\S+\s+)?|COPY\s+--from=)([^\s"]+)/gim
    : /^(\s*(?:-\s+)?image:\s*["']?)([^\s"'#]+)/gm;
}
