import { type DatabaseAddress, quoteName, type SqlClient, withSql } from './sql.ts';

/** A PostgreSQL server and who manages it. */
export type ServerAddress = Omit<DatabaseAddress, 'database'>;

/** Creates and drops databases on a server that runs, whoever started it. */
export class Databases {
  readonly server: ServerAddress;
  readonly #templates = new Map<string, Promise<void>>();

  constructor(server: ServerAddress) {
    this.server = server;
  }

  address(database: string): DatabaseAddress {
    return { ...this.server, database };
  }

  /** The `DB_*` variables of a database, as our processes read them. */
  environment(database: string): Record<string, string> {
    return {
      DB_HOST: this.server.host,
      DB_PORT: String(this.server.port),
      DB_USER: this.server.user,
      DB_PASSWORD: this.server.password,
      DB_NAME: database,
      DB_SSLMODE: 'disable',
    };
  }

  /** @param template a database to copy, with its rows; see {@link createTemplate} */
  async create(name: string, template?: string): Promise<DatabaseAddress> {
    const from = template === undefined ? '' : ` TEMPLATE ${quoteName(template)} STRATEGY FILE_COPY`;
    await this.#manage((sql) => sql.query(`CREATE DATABASE ${quoteName(name)}${from}`));
    return this.address(name);
  }

  /**
   * Makes a database to copy others from, once: a second call with the same name waits for the first.
   * @param prepare fills it (migrations, rows) and closes its connections before it resolves
   */
  createTemplate(name: string, prepare: (address: DatabaseAddress) => Promise<void>): Promise<void> {
    const existing = this.#templates.get(name);
    if (existing) return existing;
    const made = this.#makeTemplate(name, prepare);
    this.#templates.set(name, made);
    return made;
  }

  async #makeTemplate(name: string, prepare: (address: DatabaseAddress) => Promise<void>): Promise<void> {
    await prepare(await this.create(name));
    // Nobody can connect from here on, so that copying never fails for "being accessed by other users".
    await this.#manage((sql) => sql.query(`ALTER DATABASE ${quoteName(name)} ALLOW_CONNECTIONS false`));
  }

  /** Drops a database, ending its connections. One that does not exist is no error. */
  async drop(name: string): Promise<void> {
    await this.#manage((sql) => sql.query(`DROP DATABASE IF EXISTS ${quoteName(name)} WITH (FORCE)`));
  }

  /** Runs one statement, on a connection of its own. */
  async query(
    database: string,
    text: string,
    values?: readonly unknown[],
  ): Promise<Record<string, unknown>[]> {
    return withSql(this.address(database), async (sql) => (await sql.query(text, values)).rows);
  }

  async #manage(work: (sql: SqlClient) => Promise<unknown>): Promise<void> {
    await withSql(this.address('postgres'), work);
  }
}
