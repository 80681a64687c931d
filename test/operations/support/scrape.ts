import type { ManagedProcess } from '../../../rig/process.ts';

/** One line of what Prometheus reads. */
export type Sample = { name: string; labels: Record<string, string>; value: number };

/** An answer of `/metrics`. */
export class Scrape {
  readonly samples: readonly Sample[];
  /** Every metric that is announced, with samples or not. */
  readonly names: ReadonlySet<string>;

  constructor(text: string) {
    const lines = text.split('\n').filter((line) => line !== '');
    this.samples = lines.filter((line) => !line.startsWith('#')).map(sampleOf);
    this.names = new Set(lines.flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? []));
  }

  /** The sum over all samples that have at least these labels; undefined without any. */
  value(name: string, labels: Record<string, string> = {}): number | undefined {
    const found = this.samples.filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
  }

  /** Every value that a label of a metric has. */
  labelValues(name: string, label: string): string[] {
    const values = this.samples.filter((sample) => sample.name === name).map(({ labels }) => labels[label]);
    return [...new Set(values.filter((value) => value !== undefined))].sort();
  }
}

function sampleOf(line: string): Sample {
  const [, name = '', labels = '', value = ''] = /^([\w:]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === '') throw new Error(`Not a sample: ${line}`);
  const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)];
  return {
    name,
    labels: Object.fromEntries(pairs.map(([, key = '', text = '']) => [key, text])),
    value: Number(value),
  };
}

/** What a process's log says of where a port is, such as `Metrics on 127.0.0.1:41234`. */
export function addressOf(process: ManagedProcess, what: 'Metrics' | 'Health'): string {
  for (const line of process.lines) {
    const [, address] = new RegExp(`"msg":"${what} on ([\\w.]+:\\d+)"`).exec(line) ?? [];
    if (address) return `http://${address}`;
  }
  throw process.failure(`has not said where its ${what} are`);
}

/** Asks a process for its metrics. */
export async function scrape(process: ManagedProcess): Promise<Scrape> {
  const response = await fetch(`${addressOf(process, 'Metrics')}/metrics`);
  const text = await response.text();
  if (!response.ok) throw new Error(`/metrics answered ${response.status} ${text}`);
  return new Scrape(text);
}
