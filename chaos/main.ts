/** `npm run chaos`: breaks a whole installation again and again, and looks whether anything was lost, doubled or wrong. */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { onInterrupt } from '../rig/interrupt.ts';
import { Pile } from '../rig/pile.ts';
import { type ChaosReport, runChaos } from './run.ts';

const USAGE = `npm run chaos -- --seed 1 --faults 200             one run
npm run chaos -- --seed 1 --faults 200 --seeds 10  ten runs, with seeds 1 to 10
Further: --users 12  --webs 2  --workers 2  --gateways 2  --json FILE  --verbose (prints the timeline as it happens)`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '200' },
    seeds: { type: 'string', default: '1' },
    users: { type: 'string', default: '12' },
    webs: { type: 'string', default: '2' },
    workers: { type: 'string', default: '2' },
    gateways: { type: 'string', default: '2' },
    json: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

let pile = new Pile();
onInterrupt((reason) => {
  console.error(`\nStopping (${reason}) …`);
  return pile.close();
});

const reports: ChaosReport[] = [];
for (let seed = Number(values.seed); seed < Number(values.seed) + Number(values.seeds); seed++) {
  pile = new Pile();
  try {
    const report = await runChaos(
      {
        seed,
        faults: Number(values.faults),
        users: Number(values.users),
        webs: Number(values.webs),
        workers: Number(values.workers),
        gateways: Number(values.gateways),
        ...(values.verbose ? { onEntry: (line: string) => console.log(line) } : {}),
      },
      pile,
    );
    print(report);
    reports.push(report);
  } finally {
    await pile.close();
  }
}
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(reports, null, 2)}\n`);
const violations = reports.reduce((sum, report) => sum + report.violations.length, 0);
const faults = reports.reduce((sum, report) => sum + report.faults, 0);
console.log(`\n${reports.length} runs, ${faults} faults, ${violations} violations`);
process.exit(violations > 0 ? 1 : 0);

function print(report: ChaosReport): void {
  if (report.violations.length > 0 && !values.verbose) console.log(report.timeline.join('\n'));
  for (const violation of report.violations) console.log(`VIOLATION ${violation}`);
  console.log(
    `seed ${report.seed}: ${report.faults} faults in ${report.seconds.toFixed(0)} s, ${report.steps} steps of users, ` +
      `${report.events} events (${report.answered} answered 200), ${report.messages} messages (${report.unseen} met no open tab, the limiter refused ${report.refusals}), ` +
      `slowest recovery ${Math.round(report.slowestRecoveryMs)} ms (${report.slowestRecovery}), ` +
      `${report.violations.length} violations`,
  );
}
