import { chownSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { expect } from 'chai';
import { pino } from 'pino';
import { type Certificates, createCertificates } from '../../rig/certificates.ts';
import { Pile } from '../../rig/pile.ts';
import { type PostgresServer, startPostgres } from '../../rig/postgres.ts';
import { unprivilegedUser } from '../../rig/postgres-binaries.ts';
import { database, readConfig } from '../../src/shared/config/index.ts';
import { openDatabase } from '../../src/shared/database/index.ts';

/** An address of this machine that the server's certificate does not name. */
const UNNAMED = '127.0.0.2';

describe('On a PostgreSQL that speaks TLS', function () {
  this.timeout(120_000);
  const pile = new Pile();
  let certificates: Certificates;
  let others: Certificates;
  let server: PostgresServer;

  before(async () => {
    certificates = pile.add(await createCertificates());
    others = pile.add(await createCertificates());
    const user = await unprivilegedUser();
    if (user) {
      const { cert, key } = certificates;
      for (const path of [dirname(key), cert, key]) chownSync(path, user.uid, user.gid);
    }
    server = pile.add(
      await startPostgres({
        durability: 'fast',
        settings: {
          ssl: 'on',
          ssl_cert_file: certificates.cert,
          ssl_key_file: certificates.key,
          listen_addresses: `127.0.0.1,${UNNAMED}`,
        },
      }),
    );
  });
  after(() => pile.close());

  /** What becomes of a first query, and what was warned of. */
  async function attempt(env: Record<string, string>): Promise<{ outcome: string; warnings: string[] }> {
    const warnings: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line) => void warnings.push(JSON.parse(line).msg) });
    const { database: config } = readConfig(
      { database },
      {
        DB_HOST: server.host,
        DB_PORT: String(server.port),
        DB_USER: server.user,
        DB_PASSWORD: server.password,
        DB_NAME: 'postgres',
        ...env,
      },
    );
    const orm = await openDatabase(config, logger);
    try {
      const [row] = await orm.em
        .getConnection()
        .execute<{ ssl: boolean }[]>('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
      return { outcome: row?.ssl ? 'encrypted' : 'plain', warnings };
    } catch (error) {
      return { outcome: String(error), warnings };
    } finally {
      await orm.close();
    }
  }

  const outcomeOf = async (env: Record<string, string>) => (await attempt(env)).outcome;
  const REFUSED = /self-signed certificate|unable to (?:get|verify)|certificate/i;

  it('verify-full takes the certificate of its authority, for the name that it has', async () => {
    const env = { DB_SSLMODE: 'verify-full', DB_SSLROOTCERT: certificates.ca };
    expect(await outcomeOf(env)).to.equal('encrypted');
    expect(await outcomeOf({ ...env, DB_HOST: 'localhost' })).to.equal('encrypted');
    expect(await outcomeOf({ ...env, DB_HOST: UNNAMED }), 'a host that it does not name').to.match(
      /does not match|altnames/,
    );
  });

  it('verify-ca takes it for any name', async () => {
    const env = { DB_SSLMODE: 'verify-ca', DB_SSLROOTCERT: certificates.ca };
    expect(await outcomeOf({ ...env, DB_HOST: UNNAMED })).to.equal('encrypted');
    expect(await outcomeOf({ ...env, DB_SSLROOTCERT: others.ca }), 'another authority').to.match(REFUSED);
  });

  it('neither takes one of an unknown authority', async () => {
    for (const DB_SSLMODE of ['verify-ca', 'verify-full']) {
      expect(await outcomeOf({ DB_SSLMODE }), DB_SSLMODE).to.match(REFUSED);
    }
    expect(await outcomeOf({ DB_SSLMODE: 'verify-full', DB_SSLROOTCERT: 'system' })).to.match(REFUSED);
  });

  it('require checks nothing, and with a root certificate what verify-ca checks, as in libpq', async () => {
    expect(await outcomeOf({ DB_SSLMODE: 'require' })).to.equal('encrypted');
    expect(await outcomeOf({ DB_SSLMODE: 'require', DB_SSLROOTCERT: certificates.ca })).to.equal('encrypted');
    expect(await outcomeOf({ DB_SSLMODE: 'require', DB_SSLROOTCERT: others.ca })).to.match(REFUSED);
  });

  it('production is warned where nobody checks who answers, and only there', async () => {
    // Nothing answers there; the warning comes first.
    const DB_HOST = 'db.invalid';
    const warned = async (env: Record<string, string>) =>
      (await attempt({ DB_HOST, NODE_ENV: 'production', ...env })).warnings.filter((line) =>
        /DB_SSLMODE/.test(line),
      );
    expect((await warned({ DB_SSLMODE: 'require' })).join()).to.contain(
      'anybody on the way can be PostgreSQL',
    );
    for (const DB_SSLMODE of ['disable', 'prefer', 'allow']) {
      expect((await warned({ DB_SSLMODE })).join(), DB_SSLMODE).to.contain(
        `DB_SSLMODE=${DB_SSLMODE} encrypts nothing`,
      );
    }
    expect(await warned({ DB_SSLMODE: 'require', DB_SSLROOTCERT: certificates.ca })).to.deep.equal([]);
    expect(await warned({ DB_SSLMODE: 'verify-full' })).to.deep.equal([]);
    expect(await warned({ DB_HOST: '127.0.0.1', DB_SSLMODE: 'disable' }), 'on this machine').to.deep.equal(
      [],
    );
    expect(await warned({ NODE_ENV: 'development', DB_SSLMODE: 'require' })).to.deep.equal([]);
  });

  it('what cannot be read or means nothing stops the process at start', async () => {
    const notes = `${certificates.ca}.txt`;
    await writeFile(notes, 'no certificate');
    for (const [env, problem] of [
      [
        { DB_SSLMODE: 'verify-full', DB_SSLROOTCERT: '/nowhere.pem' },
        'must be the path of a readable PEM file',
      ],
      [{ DB_SSLMODE: 'verify-full', DB_SSLROOTCERT: notes }, 'must be the path of a readable PEM file'],
      [
        { DB_SSLMODE: 'require', DB_SSLROOTCERT: 'system' },
        'must be a file unless DB_SSLMODE is verify-full',
      ],
    ] as const) {
      const thrown = await attempt(env).catch((error: Error) => error);
      expect(String(thrown)).to.contain(`DB_SSLROOTCERT ${problem}`);
    }
  });
});
