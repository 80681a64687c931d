import { parseArgs } from 'node:util';
import { backfill } from '../maintenance/backfill.ts';
import { createProgress } from './progress.ts';
import { misused, runCommand } from './run-command.ts';

const USAGE = `npm run backfill -- [--since 2026-01-31] [--customer cus_…] [--dry-run] [--fresh]

Reads subscriptions and invoices themselves, for what is older than the 30 days of events that Stripe keeps.
Nobody is notified of what it finds.
  --since     only objects created since that day (UTC)
  --customer  only this customer's
  --dry-run   counts without writing
  --fresh     starts over instead of going on where a stopped run was`;

const { values } = parseArgs({
  options: {
    since: { type: 'string' },
    customer: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) misused('', USAGE);
const since = values.since === undefined ? undefined : new Date(`${values.since}T00:00:00Z`);
if (since && Number.isNaN(since.getTime()))
  misused(`--since ${values.since} is not a day like 2026-01-31.`, USAGE);

await runCommand('backfill', async (workshop) => {
  const progress = createProgress();
  const resumable = !values.fresh && !values['dry-run'] && values.customer === undefined;
  const report = await backfill(workshop, {
    ...(since ? { since } : {}),
    ...(values.customer ? { customer: values.customer } : {}),
    dryRun: values['dry-run'],
    ...(resumable ? { resumeAs: 'backfill-command' } : {}),
    onPage: ({ subscriptions, invoices, failed }) =>
      progress.step(null, `${subscriptions} subscriptions, ${invoices} invoices, ${failed} failed`),
  });
  progress.end();
  console.log(
    `${report.status}: ${report.subscriptions} subscriptions and ${report.invoices} invoices read, ` +
      `${report.unlinked} of unknown users, ${report.failed} failed`,
  );
  return report.status === 'complete' ? 0 : 1;
});
