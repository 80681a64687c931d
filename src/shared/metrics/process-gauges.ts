import { readFileSync } from 'node:fs';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** Adds what every Node process has (memory, CPU, event-loop lag, garbage collection), and which build this is. */
export function addProcessGauges(registry: Registry, process: string): void {
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'paiements_build_info',
    help: 'Always 1; which program and version this is',
    labelNames: ['process', 'version', 'node'],
    registers: [registry],
  }).set({ process, version: packageVersion(), node: globalThis.process.version }, 1);
}

/** Of the nearest package.json above: the folders are deeper in `dist` than in the source. */
function packageVersion(): string {
  for (let directory = new URL('.', import.meta.url); ; directory = new URL('..', directory)) {
    try {
      const { version } = JSON.parse(readFileSync(new URL('package.json', directory), 'utf8')) as {
        version?: string;
      };
      return version ?? 'unknown';
    } catch {
      if (directory.pathname === '/') return 'unknown';
    }
  }
}
