import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { appRoutes } from '@bull-board/api/dist/routes.js';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { APP_ORIGIN, Api, useApi } from './support/api.ts';
import {
  addFailedEvent,
  askBoard,
  BOARD,
  BOARD_ENV,
  BOARD_PASSWORD,
  BOARD_USER,
  boardCookie,
  failNext,
  login,
  PRIVATE,
} from './support/board.ts';

const QUEUES = ['stripe-events', 'notifications', 'maintenance'] as const;
const EVENT = 'evt_on_board';

type Route = { method: string; path: string; pattern: string };

/** Every route Bull Board has, allowed here or not, for one job of one queue. */
function boardRoutes(queue: string, job: string): Route[] {
  return appRoutes.api.flatMap(({ method, route }) =>
    [method].flat().flatMap((verb) =>
      [route].flat().map((pattern) => ({
        method: verb.toUpperCase(),
        pattern,
        path:
          BOARD +
          pattern
            .replace(':queueName', queue)
            .replace(':jobId', job)
            .replace(':queueStatus', 'failed')
            .replace(':schedulerId', 'sweep'),
      })),
    ),
  );
}

const ALLOWED = [
  'PUT /api/queues/:queueName/retry/:queueStatus',
  'PUT /api/queues/:queueName/promote',
  'PUT /api/queues/:queueName/:jobId/retry',
  'PUT /api/queues/:queueName/:jobId/promote',
];
const isUnsafe = ({ method }: Route) => method !== 'GET';
const isAllowed = ({ method, pattern }: Route) => ALLOWED.includes(`${method} ${pattern}`);

/** Everything about the jobs of a queue that an action could change. */
function stateOf(api: Api, name: (typeof QUEUES)[number]): Promise<unknown> {
  return api.inQueue(name, async (queue) => ({
    counts: await queue.getJobCounts(),
    paused: await queue.isPaused(),
    schedulers: await queue.getJobSchedulersCount(),
    data: (await queue.getJobs()).map((job) => [job.id, job.data]),
    concurrency: await queue.getGlobalConcurrency(),
  }));
}

async function fillQueues(api: Api): Promise<void> {
  await addFailedEvent(api, EVENT);
  await api.inQueue('notifications', (queue) =>
    queue.add(
      'payment_failed',
      {
        outboxId: 7,
        fact: 'payment_failed:in_board',
        type: 'payment_failed',
        userId: 42,
        correlationId: 'delivery-1',
        data: {
          message: PRIVATE.name,
          reason: PRIVATE.reason,
          amount: 987.65,
          url: PRIVATE.url,
          invoice_id: 'in_board',
        },
      },
      { jobId: 'outbox-7', attempts: 1 },
    ),
  );
  await failNext(api, 'notifications');
  await api.inQueue('maintenance', (queue) =>
    queue.upsertJobScheduler('sweep', { every: 3_600_000 }, { name: 'sweep', data: { task: 'sweep' } }),
  );
  await api.inQueue('maintenance', (queue) =>
    queue.add('sweep', { task: 'sweep' }, { jobId: 'later', delay: 3_600_000 }),
  );
}

describe('Without an account for the board', () => {
  const api = useApi();

  it('there is no board, and nothing that looks like one', async () => {
    for (const path of [
      BOARD,
      `${BOARD}/`,
      `${BOARD}/login`,
      `${BOARD}/api/queues`,
      `${BOARD}/static/favicon.ico`,
    ]) {
      const answer = await askBoard(api(), path);
      expect(answer.status, path).to.equal(404);
      expect(answer.body).to.include({ success: false, code: 'route_not_found' });
    }
    expect((await login(api(), { user: '', password: '' })).status).to.equal(404);
  });
});

describe('The configuration of the board', () => {
  for (const [what, env, problem] of [
    ['a user without a password', { BOARD_USER }, 'BOARD_PASSWORD is missing'],
    ['a password without a user', { BOARD_PASSWORD }, 'BOARD_USER is missing'],
    [
      'a short password',
      { BOARD_USER, BOARD_PASSWORD: 'short' },
      'BOARD_PASSWORD must have at least 12 characters',
    ],
    ['a name without a password', { BOARD_USERS: 'camille' }, 'BOARD_USERS must be name:password'],
    ['a password without a name', { BOARD_USERS: ':correct-horse-1' }, 'BOARD_USERS must be name:password'],
    [
      'a short password among several',
      { BOARD_USERS: 'camille:correct-horse-1,sacha:short' },
      'BOARD_USERS must have passwords of at least 12 characters',
    ],
    [
      'one name twice',
      { BOARD_USERS: 'camille:correct-horse-1,camille:correct-horse-2' },
      'BOARD_USERS must name everybody once',
    ],
    [
      'a name that BOARD_USER has too',
      { BOARD_USERS: `${BOARD_USER}:correct-horse-1`, ...BOARD_ENV },
      'BOARD_USERS must name everybody once, BOARD_USER included',
    ],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const problems = await Api.start({ env }).then(
        (api) => api.close().then(() => 'started'),
        (error: Error) => error.message,
      );
      expect(problems).to.contain(problem);
      for (const secret of ['short', 'correct-horse']) expect(problems).not.to.contain(secret);
    });
  }
});

describe('The board', () => {
  const api = useApi(() => ({ env: { ...BOARD_ENV, TRUSTED_PROXY_HOPS: '1' } }));
  before(() => fillQueues(api()));

  describe('without a login', () => {
    it('leads every page to the login', async () => {
      for (const path of [BOARD, `${BOARD}/`, `${BOARD}/queue/stripe-events`, `${BOARD}/logout`]) {
        const answer = await askBoard(api(), path);
        expect(answer.status, path).to.equal(303);
        expect(answer.headers.get('location')).to.equal(`${BOARD}/login`);
      }
    });

    it('answers 401 to every call and every file, and does nothing', async () => {
      const before = await stateOf(api(), 'stripe-events');
      const cookies = [undefined, 'board_session=', `board_session=${'A'.repeat(43)}`, 'board_session=../x'];
      for (const cookie of cookies) {
        for (const { method, path } of boardRoutes('stripe-events', EVENT)) {
          const answer = await askBoard(api(), path, { method, cookie });
          expect(answer.status, `${method} ${path}`).to.equal(401);
        }
        expect((await askBoard(api(), `${BOARD}/static/favicon-32x32.png`, { cookie })).status).to.equal(401);
      }
      expect(await stateOf(api(), 'stripe-events')).to.deep.equal(before);
    });

    it('cannot be reached around its path', async () => {
      for (const path of [
        '/admin/queues%2fapi/queues',
        '//admin/queues/api/queues',
        '/admin/./queues/api/queues',
      ]) {
        const answer = await askBoard(api(), path);
        expect([303, 401, 404], path).to.include(answer.status);
        expect(JSON.stringify(answer.body)).not.to.contain(EVENT);
      }
    });
  });

  describe('logging in', () => {
    it('takes user and password, and gives a cookie for this login only', async () => {
      const first = await login(api());
      expect(first.status).to.equal(303);
      expect(first.headers.get('location')).to.equal(BOARD);
      expect(first.cookie).to.match(
        /^board_session=[\w-]{43}; Path=\/admin\/queues; Max-Age=3600; HttpOnly; SameSite=Strict$/,
      );
      const cookie = first.cookie?.split(';')[0];
      expect((await askBoard(api(), BOARD, { cookie })).status).to.equal(200);

      const second = await login(api(), { cookie });
      expect(second.cookie?.split(';')[0]).not.to.equal(cookie);
      expect((await askBoard(api(), BOARD, { cookie })).status, 'the login before').to.equal(303);
    });

    it('marks the cookie Secure when a trusted proxy says https', async () => {
      const { cookie } = await login(api(), { headers: { 'x-forwarded-proto': 'https' } });
      expect(cookie).to.match(/; Secure$/);
    });

    for (const [what, wrong] of [
      ['a wrong password', { password: `${BOARD_PASSWORD}x` }],
      ['a wrong user', { user: 'root' }],
      ['both wrong', { user: 'root', password: 'x' }],
      ['neither', { user: '', password: '' }],
      ['user and password swapped', { user: BOARD_PASSWORD, password: BOARD_USER }],
    ] as const) {
      it(`refuses ${what}, saying no more than that`, async () => {
        const answer = await login(api(), wrong);
        expect(answer.status).to.equal(401);
        expect(answer.cookie).to.equal(null);
        expect(answer.body).to.contain('User or password is wrong.');
        expect(answer.headers.get('cache-control')).to.equal('no-store');
      });
    }

    it('refuses a form that another site sent, with the right password too', async () => {
      const elsewhere: Record<string, string>[] = [
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { origin: APP_ORIGIN },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { 'sec-fetch-site': 'none' },
      ];
      for (const headers of elsewhere) {
        const answer = await login(api(), { headers });
        expect(answer.status, JSON.stringify(headers)).to.equal(403);
        expect(answer.cookie).to.equal(null);
      }
    });

    it('refuses a form as large as no form is', async () => {
      expect((await login(api(), { password: 'x'.repeat(5_000) })).status).to.equal(413);
    });

    it('keeps no token in Redis that could be sent, and takes none that was written there', async () => {
      const cookie = (await login(api())).cookie?.split(';')[0] ?? '';
      const token = cookie.split('=')[1] ?? '';
      const redis = new Redis(String(process.env.TEST_REDIS_URL));
      try {
        const keys = await redis.keys(`${api().prefix.replace(/[{}[\]]/g, '?')}:board-session:*`);
        expect(keys).not.to.deep.equal([]);
        for (const key of keys) {
          expect(key).not.to.contain(token);
          expect(await redis.get(key)).not.to.contain(token);
          expect(await redis.ttl(key)).to.be.within(1, 3_600);
          await redis.set(key, 'forged', 'EX', 60);
        }
      } finally {
        redis.disconnect();
      }
      expect((await askBoard(api(), BOARD, { cookie })).status).to.equal(303);
    });

    it('is over after logging out, for a copy of the cookie too', async () => {
      const cookie = (await login(api())).cookie?.split(';')[0];
      expect((await askBoard(api(), `${BOARD}/logout`, { cookie })).status).to.equal(200);
      expect((await askBoard(api(), BOARD, { cookie })).status, 'only asked').to.equal(200);
      const out = await askBoard(api(), `${BOARD}/logout`, { method: 'POST', cookie });
      expect(out.status).to.equal(303);
      expect(out.cookie).to.match(/^board_session=; .*Max-Age=0/);
      expect((await askBoard(api(), BOARD, { cookie })).status).to.equal(303);
    });

    it('writes neither password nor token into the log', async () => {
      const { cookie } = await login(api());
      await login(api(), { password: 'a-wrong-password' });
      const token = cookie?.split(';')[0]?.split('=')[1] ?? '';
      const log = api().log.join('');
      for (const secret of [BOARD_PASSWORD, 'a-wrong-password', token]) expect(log).not.to.contain(secret);
      expect(log).to.contain('Somebody logged in to the board').and.to.contain('A login to the board failed');
    });
  });

  describe('with a login', () => {
    let cookie = '';
    before(async () => {
      cookie = await boardCookie(api());
    });

    for (const [queue, job] of [
      ['stripe-events', EVENT],
      ['notifications', 'outbox-7'],
      ['maintenance', 'later'],
    ] as const) {
      it(`shows nothing of the payer in any answer about ${queue}`, async () => {
        const reads = boardRoutes(queue, job).filter((route) => !isUnsafe(route));
        expect(reads.length).to.be.above(9);
        const queries = ['', `?activeQueue=${queue}&status=failed`, `?activeQueue=${queue}&status=latest`];
        for (const { path } of reads) {
          for (const query of queries) {
            const { status, body } = await askBoard(api(), path + query, { cookie });
            expect(status, path).to.equal(200);
            const text = JSON.stringify(body);
            for (const [kind, value] of Object.entries(PRIVATE)) {
              expect(text, `${kind} at ${path}${query}`).not.to.contain(value);
            }
            expect(text, `amount at ${path}${query}`).not.to.match(/987[.]?65/);
          }
        }
      });
    }

    it('shows of an event what it is about', async () => {
      const { body } = await askBoard(api(), `${BOARD}/api/queues/stripe-events/${EVENT}`, { cookie });
      expect(body.status).to.equal('failed');
      expect(body.job.data).to.deep.equal({
        eventId: EVENT,
        correlationId: 'delivery-1',
        payload: {
          id: EVENT,
          type: 'invoice.payment_failed',
          created: 1_790_000_000,
          livemode: false,
          api_version: '2026-10-28.endive',
          object_type: 'invoice',
          object_id: 'in_board',
        },
      });
      expect(body.job.failedReason).to.match(/^insert into/);
      expect(body.job.stacktrace[0]).to.match(/\n\s+at .*board\.ts:\d+:\d+/);
      expect(body.job.progress).to.deep.equal({ payer: '[hidden]', checked: 3, note: '[hidden]' });
      const logs = await askBoard(api(), `${BOARD}/api/queues/stripe-events/${EVENT}/logs`, { cookie });
      expect(logs.body).to.deep.equal(['charging [email], card [digits]']);
    });

    it('shows of a notification whom and what, not the words and the money', async () => {
      const { body } = await askBoard(api(), `${BOARD}/api/queues/notifications/outbox-7`, { cookie });
      expect(body.job.data).to.deep.equal({
        outboxId: 7,
        fact: 'payment_failed:in_board',
        type: 'payment_failed',
        userId: 42,
        correlationId: 'delivery-1',
        data: { invoice_id: 'in_board' },
      });
    });

    it('refuses to add, edit, remove, clean, pause, limit or obliterate anything', async () => {
      for (const [queue, job] of [
        ['stripe-events', EVENT],
        ['maintenance', 'later'],
      ] as const) {
        const before = await stateOf(api(), queue);
        const refused = boardRoutes(queue, job).filter((route) => isUnsafe(route) && !isAllowed(route));
        expect(refused.length).to.be.above(15);
        for (const { method, path } of refused) {
          const answer = await askBoard(api(), path, {
            method,
            cookie,
            headers: { 'content-type': 'application/json' },
            body: '{"name":"x","data":{},"jobData":{},"concurrency":1,"max":1,"duration":1,"force":true}',
          });
          expect(answer.status, `${method} ${path}`).to.equal(403);
          expect(answer.body).to.include({ success: false, code: 'not_for_board' });
        }
        expect(await stateOf(api(), queue)).to.deep.equal(before);
      }
    });

    it('refuses what another origin makes the browser send, login or not', async () => {
      const before = await stateOf(api(), 'stripe-events');
      const path = `${BOARD}/api/queues/stripe-events/${EVENT}/retry`;
      const elsewhere: Record<string, string>[] = [
        { origin: APP_ORIGIN },
        { origin: `http://127.0.0.1:${api().port + 1}` },
        { origin: 'null' },
        { 'sec-fetch-site': 'same-site' },
        { 'sec-fetch-site': 'cross-site' },
      ];
      for (const headers of elsewhere) {
        const answer = await askBoard(api(), path, { method: 'PUT', cookie, headers });
        expect(answer.status, JSON.stringify(headers)).to.equal(403);
        expect(answer.body.code).to.equal('other_origin');
      }
      const bare = await api().ask(path, { method: 'PUT', headers: { cookie } });
      expect(bare.status, 'no origin at all').to.equal(403);
      expect(await stateOf(api(), 'stripe-events')).to.deep.equal(before);
    });

    it('lets no other origin read it, not even one that the API allows', async () => {
      const answer = await askBoard(api(), `${BOARD}/api/queues`, {
        cookie,
        headers: { origin: APP_ORIGIN },
      });
      expect(answer.headers.get('access-control-allow-origin')).to.equal(null);
      expect(answer.headers.get('access-control-allow-credentials')).to.equal(null);
    });

    it('is never cached, framed or allowed to load anything from elsewhere', async () => {
      for (const path of [
        BOARD,
        `${BOARD}/api/queues`,
        `${BOARD}/static/favicon-32x32.png`,
        `${BOARD}/login`,
      ]) {
        const { headers, status } = await askBoard(api(), path, { cookie });
        expect(status).to.equal(200);
        expect(headers.get('cache-control'), path).to.equal('no-store');
        const policy = headers.get('content-security-policy') ?? '';
        expect(policy).to.contain("default-src 'none'").and.to.contain("frame-ancestors 'none'");
        expect(policy).not.to.match(/https?:|unsafe-eval|script-src[^;]*unsafe-inline/);
        expect(headers.get('x-content-type-options')).to.equal('nosniff');
        expect(headers.get('x-frame-options')).to.equal('DENY');
      }
      const page = await askBoard(api(), BOARD, { cookie });
      expect(page.body).not.to.contain('fonts.googleapis.com');
    });

    it('promotes a job that waits for its time', async () => {
      const path = `${BOARD}/api/queues/maintenance/later/promote`;
      expect((await askBoard(api(), path, { method: 'PUT', cookie })).status).to.equal(204);
      const state = await api().inQueue('maintenance', async (queue) =>
        (await queue.getJob('later'))?.getState(),
      );
      expect(state).to.equal('waiting');
    });

    it('retries a failed job with all of its data', async () => {
      const path = `${BOARD}/api/queues/stripe-events/${EVENT}/retry`;
      expect((await askBoard(api(), path, { method: 'PUT', cookie })).status).to.equal(204);
      await api().inQueue('stripe-events', async (queue) => {
        const job = await queue.getJob(EVENT);
        expect(await job?.getState()).to.equal('waiting');
        expect(job?.data.payload).to.contain(PRIVATE.email);
      });
      const [line = '{}'] = api().log.filter((each) => each.includes('Board action') && each.includes(path));
      expect(JSON.parse(line)).to.include({ user: BOARD_USER, method: 'PUT' });
    });
  });
});

describe('A board that is read only', () => {
  const api = useApi(() => ({ env: { ...BOARD_ENV, ADMIN_READ_ONLY: 'true', BOARD_COOKIE_SECURE: 'true' } }));
  before(() => fillQueues(api()));

  it('shows, and refuses every action', async () => {
    const cookie = await boardCookie(api());
    const before = await stateOf(api(), 'stripe-events');
    const shown = await askBoard(api(), `${BOARD}/api/queues`, { cookie });
    expect(shown.body.queues.map((queue: { readOnlyMode: boolean }) => queue.readOnlyMode)).to.deep.equal([
      true,
      true,
      true,
    ]);
    for (const { method, path } of boardRoutes('stripe-events', EVENT).filter(isUnsafe)) {
      const answer = await askBoard(api(), path, { method, cookie });
      expect(answer.status, `${method} ${path}`).to.equal(403);
      expect(answer.body.code).to.equal('read_only');
    }
    expect(await stateOf(api(), 'stripe-events')).to.deep.equal(before);
  });

  it('can be left', async () => {
    const cookie = await boardCookie(api());
    expect((await askBoard(api(), `${BOARD}/logout`, { method: 'POST', cookie })).status).to.equal(303);
  });

  it('marks its cookie Secure when told to', async () => {
    expect((await login(api())).cookie).to.match(/; Secure$/);
  });
});

describe('A board with several accounts', () => {
  const SACHA = { user: 'sacha', password: 'colons: are:fine' };
  const CAMILLE = { user: 'camille', password: 'correct-horse-1' };
  const BOARD_USERS = `${CAMILLE.user}:${CAMILLE.password}, ${SACHA.user}:${SACHA.password}`;
  const api = useApi(() => ({ env: { ...BOARD_ENV, BOARD_USERS } }));
  before(() => fillQueues(api()));

  const actionsIn = (log: string[]) =>
    log.filter((line) => line.includes('Board action')).map((line) => JSON.parse(line).user as string);

  it('lets everybody in with their own password, and nobody with another’s', async () => {
    for (const account of [CAMILLE, SACHA, {}]) expect((await login(api(), account)).status).to.equal(303);
    for (const wrong of [
      { user: CAMILLE.user, password: SACHA.password },
      { user: BOARD_USER, password: CAMILLE.password },
      { user: `${CAMILLE.user}:${CAMILLE.password}`, password: '' },
      { user: '', password: CAMILLE.password },
    ]) {
      expect((await login(api(), wrong)).status, JSON.stringify(wrong)).to.equal(401);
    }
  });

  it('writes down who did what', async () => {
    const path = `${BOARD}/api/queues/stripe-events/${EVENT}/retry`;
    for (const account of [SACHA, CAMILLE]) {
      const cookie = (await login(api(), account)).cookie?.split(';')[0];
      await askBoard(api(), path, { method: 'PUT', cookie });
      await askBoard(api(), `${BOARD}/logout`, { method: 'POST', cookie });
    }
    expect(actionsIn(api().log)).to.deep.equal(['sacha', 'camille']);
    for (const said of ['Somebody logged in to the board', 'Somebody logged out of the board']) {
      const users = api()
        .log.filter((line) => line.includes(said))
        .map((line) => JSON.parse(line).user as string);
      expect(users.slice(-2), said).to.deep.equal(['sacha', 'camille']);
    }
  });

  it('ends one user’s logins with a change of their password, and no other’s', async () => {
    const cookieOf = async (account: { user: string; password: string }) =>
      (await login(api(), account)).cookie?.split(';')[0] ?? '';
    const [camille, sacha] = [await cookieOf(CAMILLE), await cookieOf(SACHA)];
    const changed = `${CAMILLE.user}:another-password,${SACHA.user}:${SACHA.password}`;
    const later = await Api.start({
      env: { BOARD_USERS: changed, QUEUE_PREFIX: api().prefix },
      beside: api(),
    });
    try {
      expect((await askBoard(later, BOARD, { cookie: camille })).status).to.equal(303);
      expect((await askBoard(later, BOARD, { cookie: sacha })).status).to.equal(200);
    } finally {
      await later.close();
    }
  });

  it('takes no login that somebody wrote into Redis for a user whom there is not', async () => {
    const cookie = (await login(api(), CAMILLE)).cookie?.split(';')[0] ?? '';
    const redis = new Redis(String(process.env.TEST_REDIS_URL));
    try {
      const keys = await redis.keys(`${api().prefix.replace(/[{}[\]]/g, '?')}:board-session:*`);
      for (const value of ['.', `${Buffer.from('nobody').toString('base64url')}.`]) {
        for (const key of keys) await redis.set(key, value, 'EX', 60);
        expect((await askBoard(api(), BOARD, { cookie })).status).to.equal(303);
      }
    } finally {
      redis.disconnect();
    }
  });
});

describe('Guessing the password of the board', function () {
  this.timeout(20_000);
  const api = useApi(() => ({ env: { ...BOARD_ENV, TRUSTED_PROXY_HOPS: '1' } }));
  let guessed = 0;
  /** Each says that it comes from somewhere else. */
  const guess = (password = 'guess', user = BOARD_USER) =>
    login(api(), {
      user,
      password,
      headers: { 'x-forwarded-for': `203.0.113.${++guessed % 250}, 198.51.100.${guessed % 250}` },
    });

  it('gets slower with every guess, whatever address it claims, and many at once do not help', async () => {
    const started = Date.now();
    const answers = await Promise.all(
      Array.from({ length: 12 }, async () => ({ ...(await guess()), after: Date.now() - started })),
    );
    const looked = answers.filter(({ status }) => status === 401).map(({ after }) => after);
    // Five are free; the next wait for one second and for three.
    expect(looked).to.have.length(7);
    const [sixth = 0, seventh = 0] = looked.sort((a, b) => a - b).slice(5);
    expect(sixth).to.be.within(900, 2_900);
    expect(seventh).to.be.within(2_900, 6_000);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).to.have.length(5);
    for (const { headers, cookie } of refused) {
      expect(Number(headers.get('retry-after'))).to.be.within(1, 30);
      expect(cookie).to.equal(null);
    }
  });

  it('locks nobody out: the right password waits for its turn and is let in', async () => {
    let answer = await guess(BOARD_PASSWORD);
    for (let asked = 0; answer.status === 429 && asked < 5; asked += 1) {
      await sleep(Number(answer.headers.get('retry-after')) * 1_000);
      answer = await guess(BOARD_PASSWORD);
    }
    expect(answer.status).to.equal(303);
    // And is forgiven.
    const started = Date.now();
    expect((await guess()).status).to.equal(401);
    expect(Date.now() - started).to.be.below(900);
  });

  it('makes nobody else wait: not those of another name, not those from another address', async () => {
    await Promise.all(Array.from({ length: 60 }, (_, n) => guess('guess', `stranger-${n % 3}`)));
    const started = Date.now();
    expect((await guess(BOARD_PASSWORD)).status, 'another name').to.equal(303);
    await Promise.all(Array.from({ length: 12 }, () => guess()));
    expect(await loginFrom('127.0.0.2'), 'another address').to.equal(303);
    expect(Date.now() - started).to.be.below(9_000);
  });

  it('fills no log: further failures are counted', async () => {
    const lines = api().log.filter((line) => line.includes('A login to the board failed'));
    expect(guessed).to.be.above(80);
    expect(lines.length).to.be.below(5);
  });

  /** Logs in over a connection from another address. @returns the status */
  function loginFrom(localAddress: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const origin = `http://127.0.0.1:${api().port}`;
      const form = new URLSearchParams({ user: BOARD_USER, password: BOARD_PASSWORD }).toString();
      const headers = { origin, 'content-type': 'application/x-www-form-urlencoded' };
      request(`${origin}${BOARD}/login`, { method: 'POST', localAddress, headers }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      })
        .on('error', reject)
        .end(form);
    });
  }
});
