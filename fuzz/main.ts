/** `npm run fuzz`: requests that nobody should send, over all routes of web and gateway. */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { onInterrupt } from '../rig/interrupt.ts';
import { Pile } from '../rig/pile.ts';
import { runFuzz } from './run.ts';

const USAGE = `npm run fuzz                            200 000 requests
npm run fuzz -- --requests 5000 --seed 7  fewer, and others
Further: --connections 32  --max-minutes 20  --json FILE`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    requests: { type: 'string', default: '200000' },
    connections: { type: 'string', default: '32' },
    'max-minutes': { type: 'string', default: '20' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const pile = new Pile();
onInterrupt((reason) => {
  console.error(`\nStopping (${reason}) …`);
  return pile.close();
});
try {
  const requests = Number(values.requests);
  const report = await runFuzz(
    {
      seed: Number(values.seed),
      requests,
      maxSeconds: Number(values['max-minutes']) * 60,
      connections: Number(values.connections),
      slowSenders: 60,
      sockets: Math.min(500, Math.ceil(requests / 100)),
      onProgress: (line) => console.error(`  ${line}`),
    },
    pile,
  );
  for (const violation of report.violations) console.log(`VIOLATION ${violation}\n`);
  console.log(
    `seed ${report.seed}: ${report.requests} requests of ${report.kinds} kinds in ${report.seconds.toFixed(0)} s, ` +
      `${report.violations.length} violations\nanswers ${JSON.stringify(report.answers)}`,
  );
  for (const [name, samples] of Object.entries(report.rssMb))
    console.log(`memory of ${name}, MB: ${samples.join(' ')}`);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  process.exitCode = report.violations.length > 0 || report.requests < requests ? 1 : 0;
} finally {
  await pile.close();
}
process.exit();
