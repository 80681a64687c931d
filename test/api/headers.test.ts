import { expect } from 'chai';
import { useApi } from './support/api.ts';
import { askBoard, BOARD, BOARD_ENV, boardCookie } from './support/board.ts';
import { delivery, stripeEvent } from './support/webhook.ts';

/** What every answer has to say, whatever it is. */
const EVERYWHERE: Record<string, RegExp> = {
  'x-content-type-options': /^nosniff$/,
};
/** What the API answers. */
const FOR_PROGRAMS: Record<string, RegExp> = { ...EVERYWHERE, 'cache-control': /^no-store$/ };
/** What a browser shows. */
const ON_PAGES: Record<string, RegExp> = {
  ...FOR_PROGRAMS,
  'strict-transport-security': /^max-age=\d{7,}$/,
  'content-security-policy': /default-src '(?:self|none)'.*frame-ancestors '(?:self|none)'/,
  'x-frame-options': /^(?:SAMEORIGIN|DENY)$/,
  'referrer-policy': /^(?:no-referrer|same-origin)$/,
  'cross-origin-opener-policy': /^same-origin$/,
  'cross-origin-resource-policy': /^same-origin$/,
};
/** A gateway passes the API's answers on under its own name, and these would speak for all of that. */
const ONLY_ON_PAGES = Object.keys(ON_PAGES).filter((name) => !(name in FOR_PROGRAMS));

describe('Security headers', () => {
  const api = useApi(() => ({ env: BOARD_ENV }));
  before(() => api().addUser(1));

  function check(headers: Headers, wanted: Record<string, RegExp>, what: string): void {
    for (const [name, value] of Object.entries(wanted))
      expect(headers.get(name), `${name} of ${what}`).to.match(value);
    for (const name of ['x-powered-by', 'server'])
      expect(headers.get(name), `${name} of ${what}`).to.equal(null);
  }

  for (const [what, path, ask] of [
    ['a user’s data', '/api/stripe/subscription', { as: 1 }],
    ['a refusal', '/api/stripe/subscription', {}],
    ['a page that is not there', '/nothing', {}],
    ['a method that is not allowed', '/health', { method: 'PUT' }],
    ['an admin route', '/api/admin/attention', {}],
    ['health', '/health', {}],
    ['the description', '/api/openapi.json', {}],
  ] as const) {
    it(`come with ${what}`, async () => {
      const { headers } = await api().ask(path, ask);
      check(headers, FOR_PROGRAMS, what);
      for (const name of ONLY_ON_PAGES) expect(headers.get(name), `${name} of ${what}`).to.equal(null);
    });
  }

  it('come with the board', async () => {
    const cookie = await boardCookie(api());
    for (const path of [
      '',
      '/login',
      '/logout',
      '/api/queues',
      '/static/favicon-32x32.png',
      '/nothing/at/all/here',
    ]) {
      check((await askBoard(api(), BOARD + path, { cookie })).headers, ON_PAGES, path);
    }
  });

  it('come with what Stripe is told, as far as it is a browser’s business', async () => {
    const accepted = await api().ask('/api/stripe/webhook', delivery(JSON.stringify(stripeEvent())));
    const refused = await api().ask('/api/stripe/webhook', { method: 'POST', body: '{}' });
    for (const answer of [accepted, refused]) check(answer.headers, EVERYWHERE, 'the webhook');
  });
});
