import { expect } from 'chai';
import { writeFunction } from '../../src/shared/database/index.ts';
import { openSubject, type Subject } from './support.ts';

describe('The function that writes the ledger', function () {
  this.timeout(60_000);
  let subject: Subject;

  beforeEach(async () => {
    subject = await openSubject('empty');
    await subject.migrate();
  });
  afterEach(() => subject.drop());

  async function versions(): Promise<string[]> {
    const rows = await subject.query(
      `select proname as name from pg_proc where starts_with(proname, 'write_ledger_') order by oid`,
    );
    return rows.map(({ name }) => String(name));
  }

  /** What migrating with other columns would have left. */
  const olderVersion = (name: string) =>
    subject.query(
      `create function write_ledger_${name}() returns json language sql as $$ select '{}'::json $$`,
    );

  it('is there after migrating, once, beside the one of the version before', async () => {
    await subject.migrate();
    expect(await versions()).to.deep.equal(['write_ledger_v1', writeFunction(subject.orm).name]);
  });

  it('gives way to a new one only when two older ones stay: going back is starting the older version', async () => {
    await subject.query(`drop function ${writeFunction(subject.orm).name}`);
    for (const name of ['a', 'b']) await olderVersion(name);
    await subject.migrate();
    expect(await versions()).to.deep.equal([
      'write_ledger_a',
      'write_ledger_b',
      writeFunction(subject.orm).name,
    ]);
  });

  it('is for those who may run the one before, and for nobody else', async () => {
    const role = `runs_${subject.name}`;
    await subject.query(`drop function ${writeFunction(subject.orm).name}`);
    await subject.query(`create role ${role}`);
    try {
      await subject.query('revoke all on function write_ledger_v1 from public');
      await subject.query(`grant execute on function write_ledger_v1 to ${role}`);
      await subject.migrate();
      const signature = `(select oid from pg_proc where proname = '${writeFunction(subject.orm).name}')`;
      const [row] = await subject.query(
        `select has_function_privilege('${role}', ${signature}, 'execute') as granted,
           has_function_privilege('public', ${signature}, 'execute') as open`,
      );
      expect(row).to.deep.equal({ granted: true, open: false });
    } finally {
      await subject.query(`drop owned by ${role}`);
      await subject.query(`drop role ${role}`);
    }
  });
});
