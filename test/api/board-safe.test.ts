import { expect } from 'chai';
import { safeData, safeReport } from '../../src/api/board/safe-data.ts';
import { safeStack, safeText } from '../../src/api/board/safe-text.ts';

describe('What the board shows of a message', () => {
  for (const [text, shown] of [
    ['No such customer: cus_N1x2', 'No such customer: cus_N1x2'],
    ["Stripe's answer isn't JSON", "Stripe's answer isn't JSON"],
    ['The gateway did not take the message (503)', 'The gateway did not take the message (503)'],
    ['connect ECONNREFUSED 10.0.0.5:80', 'connect ECONNREFUSED 10.0.0.5:80'],
    ['mail to a.b+c@mail.example.org failed', 'mail to [email] failed'],
    ['see https://pay.example/x?y=1 for it', 'see [url] for it'],
    ['Key (email)=(x@y.example) exists', 'Key (email)=([email]) exists'],
    ["insert into t values ('Ann', 'it''s', 3)", "insert into t values ('…', '…', 3)"],
    ['Unexpected token in "{\\"last4\\":\\"4242\\"}"', 'Unexpected token in "…"'],
    ['card 4242 4242 4242 4242 was declined', 'card [digits] was declined'],
    ['card ends in 4242', 'card ends in [digits]'],
    ['call +33 6 12 34 56 78', 'call [digits]'],
    ['bad key sk_live_abc123', 'bad key [secret]'],
    ['bad secret whsec_abc123', 'bad secret [secret]'],
    ['pi_3Nx_secret_abc is used', '[secret] is used'],
    ['token eyJhbGciOi.eyJzdWIiOi.c2ln is not valid', 'token [token] is not valid'],
  ] as const) {
    it(JSON.stringify(text), () => expect(safeText(text)).to.equal(shown));
  }

  it('ends before anybody reads it all, without showing what a cut left open', () => {
    const long = `insert into t values ('${'private '.repeat(2_000)}')`;
    expect(safeText(long)).to.equal("insert into t values ('…'");
    expect(safeText('word '.repeat(2_000)).length).to.equal(1_000);
  });

  it('keeps of a stack what names code', () => {
    const stack =
      "Error: of 'Ann'\nwho is ann@mail.example\n    at run (file:///srv/node_modules/@x/y.js:12:3)\n    at ann@mail.example";
    expect(safeStack(stack)).to.equal(
      "Error: of '…'\nwho is [email]\n    at run (file:///srv/node_modules/@x/y.js:12:3)",
    );
    expect(safeStack('Error: ann@mail.example')).to.equal('Error: [email]');
  });
});

describe('What the board shows of data', () => {
  it('is nothing, when it is not what was expected', () => {
    const nothing = { payload: { object_type: undefined, object_id: undefined } };
    for (const data of [null, undefined, 'text', 3, [], {}, { payload: 'not json' }, { payload: '[]' }]) {
      expect(safeData('stripe-events', data)).to.deep.equal(nothing);
    }
    expect(safeData('notifications', null)).to.deep.equal({ data: {} });
    expect(safeData('maintenance', { task: 'sweep', secret: 'x', email: 'x' })).to.deep.equal({
      task: 'sweep',
    });
  });

  it('hides text in places where an id belongs', () => {
    expect(
      safeData('maintenance', { task: 'a b', userId: { x: 1 }, stripeCustomerId: 'x@y.z' }),
    ).to.deep.equal({
      task: '[hidden]',
      userId: '[hidden]',
      stripeCustomerId: '[hidden]',
    });
  });

  it('of a report are its numbers and ids, however deep', () => {
    const report = {
      checked: 3,
      drifts: [{ cause: 'row_missing', note: 'Ann Lee' }],
      'ann@x.y': 1,
      ok: true,
      at: null,
    };
    expect(safeReport(report)).to.deep.equal({
      checked: 3,
      drifts: [{ cause: 'row_missing', note: '[hidden]' }],
      ok: true,
      at: null,
    });
    expect(safeReport({ a: { b: { c: { d: { e: 1 } } } } })).to.deep.equal({
      a: { b: { c: { d: '[hidden]' } } },
    });
    expect(safeReport('Ann Lee')).to.equal('[hidden]');
    expect(safeReport(undefined)).to.equal(undefined);
  });
});
