import { expect } from 'chai';
import { useApi } from './support/api.ts';

const PATH = '/api/stripe/notifications';
type Row = { user?: number; type?: string; data?: object; silent?: boolean; delivered?: boolean };

describe('What a user was told', () => {
  const api = useApi();
  let ids: number[];

  /** Writes messages, as a worker does. @returns their ids */
  async function tell(rows: readonly Row[]): Promise<number[]> {
    const written: number[] = [];
    for (const {
      user = 42,
      type = 'payment_succeeded',
      data = {},
      silent = false,
      delivered = true,
    } of rows) {
      const [row] = await api().query(
        `insert into outbox_messages (fact, user_id, type, data, created_at, delivered_at, silent)
         values (gen_random_uuid()::text, $1, $2, $3, '2030-01-15 08:00', case when $4 then timestamp '2030-01-15 08:00' end, $5)
         returning id`,
        [user, type, JSON.stringify(data), delivered || silent, silent],
      );
      written.push(Number(row?.id));
    }
    return written;
  }

  const ask = async (query = '', as = 42) => (await api().ask(PATH + query, { as })).body.data;

  before(async () => {
    await api().addUser(42);
    await api().addUser(43);
    ids = await tell([
      { type: 'premium_activated', data: { message: 'Premium activé avec succès!', plan_type: 'mensuel' } },
      { user: 43, type: 'payment_failed' },
      { silent: true },
      { type: 'payment_succeeded', data: { amount: 9.99 } },
      { type: 'payment_refunded', delivered: false },
    ]);
  });

  it('is told again, oldest first, as it was said live: also what is still on its way', async () => {
    const at = '2030-01-15T08:00:00.000Z';
    expect(await ask()).to.deep.equal({
      notifications: [
        {
          id: ids[0],
          type: 'premium_activated',
          data: { message: 'Premium activé avec succès!', plan_type: 'mensuel', id: ids[0] },
          created_at: at,
        },
        { id: ids[3], type: 'payment_succeeded', data: { amount: 9.99, id: ids[3] }, created_at: at },
        { id: ids[4], type: 'payment_refunded', data: { id: ids[4] }, created_at: at },
      ],
      last_id: ids[4],
    });
  });

  it('is never another user’s, nor what was noted in silence', async () => {
    const heard = (await ask('?limit=100')).notifications.map(({ id }: { id: number }) => id);
    expect(heard).not.to.include(ids[1]);
    expect(heard).not.to.include(ids[2]);
    expect((await ask('', 43)).notifications).to.have.lengthOf(1);
    expect((await ask('', 43)).last_id).to.equal(ids[1]);
  });

  it('goes on where one stopped, and says where that is', async () => {
    const first = await ask('?limit=2');
    expect(first.last_id).to.equal(ids[3]);
    const rest = await ask(`?after=${first.last_id}&limit=2`);
    expect(rest.notifications.map(({ id }: { id: number }) => id)).to.deep.equal([ids[4]]);
    expect(await ask(`?after=${rest.last_id}`)).to.deep.equal({ notifications: [], last_id: ids[4] });
  });

  for (const query of [
    'after=x',
    'after=-1',
    'after=1.5',
    'after=1&after=2',
    'limit=0',
    'limit=101',
    'limit=x',
  ]) {
    it(`is refused for ?${query}`, async () => {
      const answer = await api().ask(`${PATH}?${query}`, { as: 42 });
      expect([answer.status, answer.body.code]).to.deep.equal([400, 'invalid_query']);
    });
  }

  it('is twenty at a time when nobody says how many', async () => {
    await api().addUser(44);
    await tell(Array.from({ length: 21 }, () => ({ user: 44 })));
    expect((await ask('', 44)).notifications).to.have.lengthOf(20);
  });
});
