import { Migrator } from '@mikro-orm/migrations';
import { defineConfig, MikroORM, type Options } from '@mikro-orm/postgresql';
import { migrations } from '../../../migrations/index.ts';
import type { database as databasePart } from '../config/index.ts';
import { SECOND } from '../duration.ts';
import {
  AttentionDone,
  CheckoutSession,
  CreditNote,
  Customer,
  Dispute,
  InvoicePayment,
  MaintenanceState,
  OutboxMessage,
  Payment,
  Subscription,
  User,
  WebhookEvent,
} from '../entities/index.ts';
import type { Logger } from '../logger.ts';
import { boundStatements, type StatementPool } from './bounded-statements.ts';
import { type ClientPool, returnLostConnections } from './lost-connections.ts';

export type DatabaseConfig = ReturnType<typeof databasePart.parse>;

export type DatabaseOptions = {
  /** Milliseconds after which a statement fails, for those who have somebody waiting. Without it: as long as it takes. */
  statementTimeoutMs?: number;
};

/** MikroORM's options for a database; also what the `mikro-orm` command line reads. */
export function ormOptions(
  config: DatabaseConfig,
  logger?: Logger,
  { statementTimeoutMs }: DatabaseOptions = {},
): Options {
  return defineConfig({
    host: config.host,
    port: config.port,
    user: config.user,
    password: config.password,
    dbName: config.name,
    entities: [
      User,
      Customer,
      Subscription,
      Payment,
      InvoicePayment,
      CheckoutSession,
      WebhookEvent,
      OutboxMessage,
      MaintenanceState,
      Dispute,
      CreditNote,
      AttentionDone,
    ],
    extensions: [Migrator],
    migrations: { migrationsList: migrations, tableName: 'paiements_migrations', snapshot: false },
    ensureDatabase: false,
    pool: { min: 0, max: config.poolMax, idleTimeoutMillis: 30 * SECOND },
    driverOptions: {
      ssl: sslOf(config.sslMode),
      connectionTimeoutMillis: 5 * SECOND,
      keepAlive: true,
      application_name: 'paiements-service',
      // Statements may be sent before those ahead of them are answered (`inTransaction`). Not where they are bounded:
      // a connection that is to be given up would wait for the answers first.
      pipeline: statementTimeoutMs === undefined,
      onPoolCreated: (pool: StatementPool & ClientPool) => {
        returnLostConnections(pool);
        if (statementTimeoutMs !== undefined) boundStatements(pool, statementTimeoutMs);
      },
    },
    logger: (line) => logger?.debug(line),
  });
}

/** Opens the pool lazily: the first query connects. */
export function openDatabase(
  config: DatabaseConfig,
  logger: Logger,
  options?: DatabaseOptions,
): Promise<MikroORM> {
  return MikroORM.init(ormOptions(config, logger, options));
}

/**
 * libpq's modes as node-postgres knows them. `require` encrypts without checking the certificate, as libpq does;
 * `prefer` and `allow` are plain here, since node-postgres cannot fall back.
 */
function sslOf(mode: DatabaseConfig['sslMode']): false | { rejectUnauthorized: boolean } {
  switch (mode) {
    case 'verify-ca':
    case 'verify-full':
      return { rejectUnauthorized: true };
    case 'require':
      return { rejectUnauthorized: false };
    default:
      return false;
  }
}
