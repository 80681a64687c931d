import { type Browser, chromium } from 'playwright-core';
import { toError } from '../src/shared/errors.ts';
import { browserCandidates } from './chromium.ts';
import { RigError } from './errors.ts';

const LAUNCH_TIMEOUT_MS = 30_000;

const FLAGS = [
  // Containers and root have no use of its sandbox; only our own pages are ever opened.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--font-render-hinting=none',
];

/**
 * Starts a headless Chromium: the packaged one, or the system's where that does not run. Close it when done.
 * @throws {RigError} naming what was tried and why each failed
 */
export async function launchBrowser(): Promise<Browser> {
  const failures: string[] = [];
  for (const { executablePath, env } of await browserCandidates()) {
    try {
      return await chromium.launch({
        executablePath,
        env: { ...env },
        args: FLAGS,
        headless: true,
        timeout: LAUNCH_TIMEOUT_MS,
        // The rig stops things in its own order.
        handleSIGINT: false,
        handleSIGTERM: false,
        handleSIGHUP: false,
      });
    } catch (thrown) {
      failures.push(`  ${executablePath}: ${toError(thrown).message.split('\n').slice(0, 6).join(' ')}`);
    }
  }
  throw new RigError(
    `No browser could be started on ${process.platform}-${process.arch}. Install Chromium (for instance ` +
      `\`apt-get install chromium\`) and run this again. Tried:\n${failures.join('\n') || '  nothing: none was found'}`,
  );
}
