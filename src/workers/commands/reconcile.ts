import { parseArgs } from 'node:util';
import { DAY } from '../../shared/duration.ts';
import { reconcile } from '../maintenance/reconcile.ts';
import { createProgress } from './progress.ts';
import { misused, runCommand } from './run-command.ts';
import { parseSpan } from './span.ts';

const USAGE = `npm run reconcile -- [--since 7d] [--dry-run] [--fresh]

Compares Stripe's own list of events with webhook_events and enqueues what is missing.
  --since     how far back: 90m, 36h, 7d. Stripe keeps 30 days. Default 3d
  --dry-run   says what is missing without enqueuing it
  --fresh     starts over instead of going on where a stopped run was`;

const STRIPE_KEEPS_MS = 30 * DAY;

const { values } = parseArgs({
  options: {
    since: { type: 'string', default: '3d' },
    'dry-run': { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) misused('', USAGE);
const span = parseSpan(values.since);
if (span === undefined || span > STRIPE_KEEPS_MS) {
  misused(`--since ${values.since} is not a span up to 30d. For longer, npm run backfill.`, USAGE);
}

await runCommand('reconcile', async (workshop) => {
  const now = workshop.clock.now().getTime();
  const progress = createProgress();
  const report = await reconcile(workshop, {
    since: new Date(now - span),
    dryRun: values['dry-run'],
    ...(values.fresh || values['dry-run'] ? {} : { resumeAs: 'reconcile-command' }),
    onPage: ({ listed, missing, reached }) => {
      const share = reached ? Math.min(1, (now - reached.getTime()) / span) : 1;
      progress.step(
        share,
        `${listed} events listed, ${missing} missing, back to ${reached?.toISOString() ?? '-'}`,
      );
    },
  });
  progress.end();
  console.log(
    values['dry-run']
      ? `${report.missing} of ${report.listed} events are missing; nothing was enqueued (--dry-run)`
      : `${report.missing} of ${report.listed} events were missing; ${report.enqueued} enqueued`,
  );
  return 0;
});
