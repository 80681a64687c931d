import { expect } from 'chai';
import { inTransaction } from '../../../src/shared/database/index.ts';
import { openSubject, type Subject } from '../../migrations/support.ts';

describe('A transaction whose statements do not wait for each other', () => {
  let subject: Subject;

  before(async () => {
    subject = await openSubject('empty');
    await subject.query('create table steps (name text primary key)');
  });
  beforeEach(() => subject.query('truncate steps'));
  after(() => subject.drop());

  const INSERT = 'insert into steps (name) values ($1) returning name';
  const steps = async () =>
    (await subject.query('select name from steps order by name')).map((row) => row.name);

  it('runs them in the order they were sent in, and commits what nobody waited for', async () => {
    const used: unknown[] = [];
    const counted = await inTransaction(subject.orm, async (transaction) => {
      transaction.tell(INSERT, ['one']);
      transaction.tell(INSERT, ['two'], (rows) => used.push(...rows));
      const [row] = await transaction.ask<{ count: string }>('select count(*) from steps');
      transaction.tell(INSERT, ['three']);
      return row?.count;
    });
    expect(counted).to.equal('2');
    expect(used).to.deep.equal([{ name: 'two' }]);
    expect(await steps()).to.deep.equal(['one', 'three', 'two']);
  });

  it('commits nothing when one that nobody waited for fails, and says which failure was the first', async () => {
    const failed = inTransaction(subject.orm, async (transaction) => {
      transaction.tell(INSERT, ['one']);
      transaction.tell(INSERT, ['one']);
      transaction.tell(INSERT, ['two']);
    });
    expect(await failed.catch((thrown: unknown) => thrown)).to.include({ code: '23505' });
    expect(await steps()).to.deep.equal([]);
  });

  it('tells whoever waits for all so far of the first failure', async () => {
    let settled: unknown;
    const failed = inTransaction(subject.orm, async (transaction) => {
      transaction.tell('select 1 / 0');
      transaction.tell(INSERT, ['two']);
      settled = await transaction.settled().catch((thrown: unknown) => thrown);
      throw new Error('given up');
    });
    expect(await failed.catch((thrown: unknown) => thrown)).to.have.property('message', 'given up');
    expect(settled).to.include({ code: '22012' });
    expect(await steps()).to.deep.equal([]);
  });

  it('rolls back when the work fails, and the connection serves the next one', async () => {
    for (let round = 0; round < 15; round++) {
      const failed = inTransaction(subject.orm, async (transaction) => {
        transaction.tell(INSERT, ['one']);
        throw new Error('no');
      });
      expect(await failed.catch((thrown: unknown) => thrown)).to.have.property('message', 'no');
    }
    await inTransaction(subject.orm, async (transaction) => transaction.tell(INSERT, ['two']));
    expect(await steps()).to.deep.equal(['two']);
  });
});
