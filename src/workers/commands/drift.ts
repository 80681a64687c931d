import { parseArgs } from 'node:util';
import { checkDrift, type Drift } from '../maintenance/drift.ts';
import { misused, runCommand } from './run-command.ts';

const USAGE = `npm run drift -- [--fix]

Compares subscriptions and premium with Stripe, field by field, and names the cause of each difference.
Exits 1 when something differs and was not healed.
  --fix   heals what reading it again can heal`;

const { values } = parseArgs({
  options: { fix: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
if (values.help) misused('', USAGE);

await runCommand('drift', async (workshop) => {
  const report = await checkDrift(workshop, { fix: values.fix });
  for (const drift of report.drifts) console.log(lineOf(drift));
  const open = report.drifts.filter((drift) => !drift.healed).length;
  console.log(
    `${report.checked} checked, ${report.drifts.length} differ, ${report.drifts.length - open} healed, ` +
      `${report.failed} could not be checked`,
  );
  return open + report.failed === 0 ? 0 : 1;
});

function lineOf({ cause, subscription, userId, fields, healed }: Drift): string {
  const who = [subscription, userId === null ? null : `user ${userId}`].filter((part) => part !== null);
  const what = fields.map(({ field, ours, stripes }) => `${field}: ${ours ?? 'null'} → ${stripes ?? 'null'}`);
  return `${cause}${healed ? ' (healed)' : ''} ${who.join(', ')} ${what.join('; ')}`.trimEnd();
}
