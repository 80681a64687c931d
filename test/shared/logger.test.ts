import { expect } from 'chai';
import { runToEnd } from '../../rig/process.ts';

const SECRET = 'hunter2-never-in-a-log';
const headers = {
  host: 'matcha.example',
  authorization: `Bearer ${SECRET}`,
  cookie: `access_token=${SECRET}`,
  'stripe-signature': `t=1,v1=${SECRET}`,
  'x-jwt-token': SECRET,
  'x-internal-key': SECRET,
};

describe('logger', () => {
  let lines: Record<string, unknown>[];

  before(async () => {
    const entries = [
      [
        { headers, authorization: SECRET, cookie: SECRET, token: SECRET, password: SECRET, secret: SECRET },
        'flat',
      ],
      [{ req: { method: 'POST', headers } }, 'a request'],
      [{ database: { host: 'db', password: SECRET } }, 'a part of the configuration'],
      [{ jwt: { secret: SECRET }, login: { token: SECRET, userId: 42 } }, 'more parts'],
      [{ intent: { id: 'pi_1', client_secret: SECRET } }, 'an object of Stripe'],
    ];
    const output = await runToEnd({
      name: 'talkative',
      script: 'test/shared/fixtures/talkative.ts',
      env: { ENTRIES: JSON.stringify(entries) },
    });
    lines = output.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  });

  it('writes one JSON line an entry, with time, level and the name of the process', () => {
    expect(lines).to.have.lengthOf(7);
    for (const line of lines) {
      expect(line).to.include.keys('time', 'level', 'name', 'msg');
      expect(line.name).to.equal('talkative');
      expect(line.time).to.match(/^\d{4}-\d\d-\d\dT.*Z$/);
    }
    expect(lines.map((line) => line.level)).to.deep.equal([
      ...Array<string>(5).fill('info'),
      'warn',
      'error',
    ]);
  });

  it('writes no token, signature, cookie, key or secret', () => {
    for (const line of lines) expect(JSON.stringify(line)).not.to.include(SECRET);
  });

  it('says where something was left out, and keeps the rest', () => {
    expect(lines[1]).to.deep.include({
      req: {
        method: 'POST',
        headers: {
          host: 'matcha.example',
          authorization: '[redacted]',
          cookie: '[redacted]',
          'stripe-signature': '[redacted]',
          'x-jwt-token': '[redacted]',
          'x-internal-key': '[redacted]',
        },
      },
    });
    expect(lines[4]).to.deep.include({ intent: { id: 'pi_1', client_secret: '[redacted]' } });
  });

  it('writes errors with their cause, without what hangs on them in secret fields', () => {
    const error = JSON.stringify(lines.at(-1));
    expect(error).to.include('outer').and.include('inner');
    expect(error).not.to.include('hidden-in-error');
  });
});
