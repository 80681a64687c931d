import type { MikroORM } from '@mikro-orm/postgresql';
import type { Registry } from 'prom-client';
import { pingDatabase } from '../database/index.ts';
import type { Logger } from '../logger.ts';
import { Gauges } from './gauges.ts';
import { readLedger } from './ledger-reading.ts';
import { Snapshot } from './snapshot.ts';

/** Adds what the database says about work that waits and about what the checks found, whoever ran them. */
export function addLedgerGauges(registry: Registry, orm: MikroORM, logger: Logger): void {
  const read = async () => {
    const [ledger] = await Promise.all([readLedger(orm), pingDatabase(orm)]);
    return ledger;
  };
  const gauges = new Gauges(registry, new Snapshot('the database', read, logger));
  gauges.up('paiements_postgres_up', 'Whether PostgreSQL answers and takes writes');
  gauges.value(
    'paiements_outbox_undelivered',
    'Messages that no gateway has taken yet',
    (ledger) => ledger.undelivered,
  );
  gauges.value(
    'paiements_outbox_oldest_age_seconds',
    'Age of the oldest message that no gateway has taken yet; 0 when there is none',
    (ledger) => ledger.undeliveredAge,
  );
  gauges.value(
    'paiements_events_parked',
    'Events that wait until somebody is known for them',
    (ledger) => ledger.parked,
  );
  gauges.value(
    'paiements_events_parked_oldest_age_seconds',
    'Age of the oldest parked event; 0 when there is none',
    (ledger) => ledger.parkedAge,
  );
  gauges.value(
    'paiements_events_failed',
    'Events that could not be applied, with a reason in webhook_events',
    (ledger) => ledger.failed,
  );
  gauges.value(
    'paiements_events_pending',
    'Events that only PostgreSQL holds, until the sweep enqueues them',
    (ledger) => ledger.pending,
  );
  gauges.value(
    'paiements_last_event_stored_timestamp_seconds',
    'When the latest event was written into webhook_events, Unix time',
    (ledger) => ledger.lastEventAt,
  );
  gauges.value(
    'paiements_reconciled_timestamp_seconds',
    "When Stripe's list of events was last compared to its end, Unix time",
    (ledger) => ledger.reconciledAt,
  );
  gauges.value(
    'paiements_drift_checked_timestamp_seconds',
    'When rows were last compared with Stripe, Unix time',
    (ledger) => ledger.driftCheckedAt,
  );
  gauges.value(
    'paiements_endpoint_checked_timestamp_seconds',
    'When the webhook endpoint at Stripe was last looked at, Unix time',
    (ledger) => ledger.endpointCheckedAt,
  );
  gauges.values(
    'paiements_drift_found',
    'Differences between rows and Stripe that the last comparison named, by cause',
    ['cause'],
    (ledger) => Object.entries(ledger.drift).map(([cause, found]) => [{ cause }, found]),
  );
  gauges.values(
    'paiements_endpoint_problems',
    'What the last look at the webhook endpoint found wrong: 1 by code',
    ['code'],
    (ledger) => ledger.endpointProblems.map((code) => [{ code }, 1]),
  );
}
