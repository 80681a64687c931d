import { createRequire } from 'node:module';

/** Where a database is and who enters it. */
export type DatabaseAddress = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
};

/** The little of node-postgres that the rig uses. */
export type SqlClient = {
  connect(): Promise<void>;
  query(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>;
  end(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): void;
};

// node-postgres comes with MikroORM; asking from there finds the one it uses, wherever npm has put it.
const require = createRequire(import.meta.resolve('@mikro-orm/postgresql'));
const { Client } = require('pg') as { Client: new (address: DatabaseAddress) => SqlClient };

/** Runs `work` with a connection of its own, and closes it. */
export async function withSql<T>(
  address: DatabaseAddress,
  work: (client: SqlClient) => Promise<T>,
): Promise<T> {
  const client = new Client(address);
  // A server that goes away ends idle connections; the next query reports it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Quotes a name for SQL. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
