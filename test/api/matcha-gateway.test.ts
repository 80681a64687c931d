import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../../rig/browser.ts';
import { MatchaGateway } from '../../rig/matcha-gateway.ts';
import { Pile } from '../../rig/pile.ts';
import { useApi } from './support/api.ts';
import { loginToken } from './support/login.ts';

type Read = { status: number; body: unknown } | { refused: string };

/** A page of the front end, somewhere else than the gateway. @returns its address */
async function openFrontEnd(pile: Pile): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<title>Matcha</title>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  pile.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('A browser behind Matcha’s gateway, which adds CORS headers of its own', function () {
  this.timeout(60_000);
  const pile = new Pile();
  let browser: Browser;
  let page: Page;
  let origin: string;
  let gateway: MatchaGateway;

  before(async () => {
    origin = await openFrontEnd(pile);
    browser = pile.add(await launchBrowser());
    gateway = pile.add(await MatchaGateway.open());
    page = await browser.newPage();
    await page.goto(origin);
  });
  const plain = useApi(() => ({ env: { ALLOWED_ORIGINS: origin } }));
  const sharing = useApi(() => ({ env: { ALLOWED_ORIGINS: origin, WEB_CORS: 'true' } }));
  after(() => pile.close());

  /** What a script of the front end gets to see. */
  async function read(web: number, method: string, path: string): Promise<Read> {
    gateway.targets.web = `http://127.0.0.1:${web}`;
    const token = loginToken(42);
    return page.evaluate(
      async ({ url, method, token }) => {
        try {
          const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
          const response = await fetch(url, { method, headers, credentials: 'include' });
          return { status: response.status, body: await response.json() };
        } catch (thrown) {
          return { refused: String(thrown) };
        }
      },
      { url: gateway.url + path, method, token },
    );
  }

  it('reads answers and refusals', async () => {
    await plain().addUser(42);
    expect(await read(plain().port, 'GET', '/api/stripe/subscription/premium-status')).to.deep.equal({
      status: 200,
      body: { success: true, data: { is_premium: false } },
    });
    const nothing = await read(plain().port, 'DELETE', '/api/stripe/subscription');
    expect(nothing).to.have.property('status', 404);
  });

  it('would read nothing if web added its own as well', async () => {
    expect(await read(sharing().port, 'GET', '/api/stripe/subscription/premium-status')).to.have.property(
      'refused',
    );
  });

  it('learns nothing from an answer about the whole domain', async () => {
    const response = await fetch(`${gateway.url}/api/stripe/subscription`);
    expect(response.headers.get('strict-transport-security')).to.equal(null);
    expect(response.headers.get('x-content-type-options')).to.equal('nosniff');
  });
});
