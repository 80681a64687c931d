import { parseArgs } from 'node:util';
import { checkDrift, type Drift } from '../maintenance/drift.ts';
import { misused, runCommand } from './run-command.ts';

const USAGE = `npm run drift -- [--fix [--end-all]]

Compares subscriptions and premium with Stripe, field by field, and names the cause of each difference.
Exits 1 when something differs and was not healed.
  --fix      heals what reading it again can heal, and ends rows whose subscription Stripe does not know under this key:
             after asking twice, a minute apart, and only while it knows both of the configured prices. A run that would
             end more than 20 rows, or more than 1 % of them, stops and asks a person to look.
  --end-all  a person has looked: ends them all`;

const { values } = parseArgs({
  options: {
    fix: { type: 'boolean', default: false },
    'end-all': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) misused('', USAGE);
if (values['end-all'] && !values.fix) misused('--end-all ends nothing without --fix.', USAGE);

await runCommand('drift', async (workshop) => {
  const report = await checkDrift(workshop, { fix: values.fix, endAll: values['end-all'] });
  for (const drift of report.drifts) console.log(lineOf(drift));
  if (report.stopped !== null) console.log(report.stopped);
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
