import { expect } from 'chai';
import { runToEnd } from '../../rig/process.ts';
import { scrub } from '../../src/shared/log-scrubber.ts';
import { cpuTime } from '../support/cpu-time.ts';

/** What must never be in a log, by what it is. */
const SECRETS = {
  signature: `t=1790000000,v1=${'5f'.repeat(32)}`,
  'login token': `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.${'Qk'.repeat(20)}`,
  authorization: 'Bearer abcdef0123456789.ghij',
  'Stripe key': 'sk_live_51H8abcdefghijklmnop',
  'restricted key': 'rk_test_51H8abcdefghijklmnop',
  'signing secret': 'whsec_abcdefghijklmnop',
  'client secret': 'pi_3ABCdefGHI_secret_JKLmnoPQR',
  'card number': '4242424242424242',
  'card number in groups': '5555 5555 5555 4444',
  'American Express': '378282246310005',
  'e-mail address': 'camille.durand+matcha@example.co.uk',
  'password of a URL': 'redis://:hunter2-hunter2@redis.internal:6379',
} as const;

/** The part of a secret that gives it away. */
const GIVEAWAY: Partial<Record<keyof typeof SECRETS, string>> = {
  signature: '5f5f5f',
  authorization: 'abcdef0123456789',
  'password of a URL': 'hunter2-hunter2',
};

/** The lines that the real logger of a process of its own writes. */
async function logged(
  entries: readonly [fields: object, message: string][],
  env: Record<string, string> = {},
): Promise<readonly string[]> {
  return runToEnd({
    name: 'talkative',
    script: 'test/shared/fixtures/talkative.ts',
    env: { ENTRIES: JSON.stringify(entries), ...env },
  });
}

describe('A log line', () => {
  it('has no secret and no payer in it, wherever in a line they were', async function () {
    this.timeout(60_000);
    const all = Object.entries(SECRETS);
    const entries = all.flatMap(([what, secret]): [object, string][] => [
      [{ n: 1 }, `${what}: ${secret}`],
      [{ err: { message: `Failed for ${secret}: no` } }, 'in an error'],
      [{ customer: { deep: [{ note: `a\n${secret}` }] } }, 'deep in an object'],
    ]);
    const lines = await logged(entries);
    expect(lines.length).to.be.at.least(entries.length);
    const text = lines.join('\n');
    for (const [what, secret] of all) {
      expect(text, what).not.to.include(GIVEAWAY[what as keyof typeof SECRETS] ?? secret);
    }
    for (const line of lines) expect(() => JSON.parse(line), line).not.to.throw();
  });

  it('keeps what only looks like one: ids, times, amounts, addresses of machines', () => {
    for (const harmless of [
      'evt_1Lh57PVZy2EXCukpSVYXtiha',
      'in_4242424242424242',
      '1790000000123',
      '2026-11-22T21:15:16.724Z',
      'outbox-12345678901234567',
      'http://127.0.0.1:8085/api/stripe/webhook',
      '9b2f4c5e-1111-4111-8111-424242424242',
      '12345678901234567890123',
    ]) {
      expect(scrub(`{"msg":"${harmless}"}`), harmless).to.equal(`{"msg":"${harmless}"}`);
    }
  });

  it('stays JSON when a secret stands right behind an escaped character', () => {
    const line = JSON.stringify({
      msg: 'a\nlea@example.com\t"sk_live_abcdefgh"\\lea@example.com\u0001x@y.fr',
    });
    const scrubbed = scrub(line);
    expect(JSON.parse(scrubbed)).to.deep.equal({
      msg: 'a\n[e-mail]\t"[redacted]"\\[e-mail]\u0001[e-mail]',
    });
  });

  it('is scrubbed in no time, whatever a stranger puts into it', () => {
    const length = 32 * 1_024;
    const units = [
      'a',
      '@',
      'a@',
      '@a.',
      'a@b.c',
      '.',
      'a.',
      '-',
      '+',
      '_',
      "'",
      '1',
      '1 ',
      '1-',
      '\\n',
      '\\na',
      '\\u0041',
    ];
    units.push(
      'eyJ',
      'eyJ-',
      'eyJaaaaaaaa.',
      'whsec_',
      'sk_',
      'sk_a.',
      'sk_aaaaaa.',
      'pi_a-',
      'pi_a_secret_',
      '_secret_',
    );
    units.push(
      'v1=',
      'v1=a',
      'Bearer ',
      'Bearer a',
      '://',
      '://a',
      '4242424242424242 ',
      `${'a'.repeat(64)}@`,
    );
    const slow: string[] = [];
    for (const unit of units) {
      for (const end of ['', 'eyJ', '@', '@a.b', '!', '\\']) {
        for (const start of ['', 'GET /api/stripe/subscription/']) {
          const line = start + unit.repeat(length / unit.length) + end;
          const ms = cpuTime(() => void scrub(line), 20);
          if (ms >= 20) slow.push(`${unit}…${end} ${Math.round(ms)} ms`);
        }
      }
    }
    expect(slow).to.deep.equal([]);
  });

  it('has no part of an address or a token left when they stand next to each other', () => {
    for (const [line, scrubbed] of [
      ['sk_live_abcdefgh.lea@example.com', '[redacted][e-mail]'],
      ['lea@example.com@leo@example.com', '[e-mail]@[e-mail]'],
      [`${'l'.repeat(300)}@example.com`, '[e-mail]'],
      ['4242424242424242.lea@example.com', '[e-mail]'],
      ['4242424242424242@example', '[card]@example'],
      ['redis://lea:pw@redis.internal', 'redis://[redacted]@redis.internal'],
      ['eyJhbGciOiJIUzI1NiJ9', '[redacted]'],
      ['eyJhbGciOiJIUzI1NiJ9.', '[redacted]'],
      ['lea@nowhere and leo@example.com', 'lea@nowhere and [e-mail]'],
    ] as const) {
      expect(scrub(line), line).to.equal(scrubbed);
    }
  });

  it('costs little', () => {
    const line = JSON.stringify({
      level: 'info',
      eventId: 'evt_1Lh57PVZy2EXCukpSVYXtiha',
      correlationId: '47775780-1c42-4234-a8dc-c75b38630407',
      msg: 'Applied evt_1Lh57PVZy2EXCukpSVYXtiha (checkout.session.completed)',
    });
    const startedAt = performance.now();
    for (let i = 0; i < 10_000; i++) scrub(line);
    // Generous, for machines under load; a hundredth of it is usual.
    expect((performance.now() - startedAt) / 10_000, 'milliseconds a line').to.be.below(0.5);
  });
});

describe('Lines for people', () => {
  const entry: [object, string][] = [[{ token: 'abc-secret' }, 'hello lea@example.com']];

  it('are written in development, and hide as much', async () => {
    const text = (await logged(entry, { NODE_ENV: 'development' })).join('\n');
    expect(text).to.include('hello [e-mail]').and.to.include('[redacted]').and.not.to.match(/^\{/m);
    expect(text).not.to.include('abc-secret');
  });

  it('are never written in production, whatever is asked', async () => {
    for (const line of await logged(entry, { NODE_ENV: 'production', LOG_PRETTY: 'true' })) {
      expect(() => JSON.parse(line), line).not.to.throw();
    }
  });
});
