/** `npm run bench`: how fast the service is, beside the least that could be done and what people would use instead. */
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { onInterrupt } from '../rig/interrupt.ts';
import { Pile } from '../rig/pile.ts';
import { buildService } from './build.ts';
import { openHouse } from './house.ts';
import { type PartName, readOptions, USAGE } from './options.ts';
import { growth } from './parts/growth.ts';
import { intake } from './parts/intake.ts';
import { latency } from './parts/latency.ts';
import { memory } from './parts/memory.ts';
import type { Part, Row } from './parts/part.ts';
import { pipeline } from './parts/pipeline.ts';
import { installPeers, versionOf } from './peers.ts';
import { judge } from './report/goals.ts';
import { goalTable, tableOf } from './report/table.ts';

const RUN: Readonly<Record<PartName, Part>> = { intake, pipeline, latency, growth, memory };

const options = readOptions(process.argv.slice(2));
if (!options) {
  console.log(USAGE);
  process.exit(0);
}
await installPeers();
await buildService();

const pile = new Pile();
onInterrupt((reason) => {
  console.error(`\nStopping (${reason}) …`);
  return pile.close();
});

const machine = {
  date: new Date().toISOString(),
  command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
  processor: cpus()[0]?.model ?? 'unknown',
  processors: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  node: process.versions.node,
  peer: `@supabase/stripe-sync-engine ${versionOf('@supabase/stripe-sync-engine')}, fastify ${versionOf('fastify')}`,
  loadBefore: loadavg()[0],
};
console.log(
  `${machine.date}  ${machine.processors} × ${machine.processor}, ${machine.memoryGb} GB, Node ${machine.node}; ` +
    `peer: ${machine.peer}\n${machine.command}\n`,
);

const rows: Row[] = [];
const failures: string[] = [];
try {
  const house = await openHouse(pile);
  for (const part of options.parts) {
    try {
      rows.push(...(await RUN[part](house, options, (line) => console.error(`  ${line}`))));
    } catch (thrown) {
      // The other parts are worth knowing all the same.
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      failures.push(`${part}: ${reason}`);
      console.error(`  ${part} failed: ${reason}`);
    }
  }
} finally {
  await pile.close();
}

const goals = judge(rows);
console.log(`\n${tableOf(rows)}\n\n${goalTable(goals)}`);
for (const failure of failures) console.log(`FAILED ${failure}`);
if (options.json !== undefined) {
  await writeFile(options.json, `${JSON.stringify({ machine, options, rows, goals, failures }, null, 2)}\n`);
}
process.exit(failures.length > 0 ? 1 : 0);
