import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tellReaper } from './reaper.ts';

/** A directory of our own under the system's temporary one. It never outlives this process. */
export type PrivateDir = { readonly path: string; remove(): Promise<void> };

/** @param purpose part of the directory's name, so that a person can tell what it is */
export function createPrivateDir(purpose: string): PrivateDir {
  const path = mkdtempSync(join(tmpdir(), `matcha-${purpose}-`));
  tellReaper({ watch: 'directory', path });
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
      tellReaper({ forget: 'directory', path });
    },
  };
}
