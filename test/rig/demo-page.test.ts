import { expect } from 'chai';
import jwt from 'jsonwebtoken';
import type { Browser, Locator, Page } from 'playwright-core';
import { type Front, startFront } from '../../demo/front/server.ts';
import { launchBrowser } from '../../rig/browser.ts';
import { local } from '../../rig/matcha-environment.ts';
import { freePort } from '../../rig/ports.ts';
import { type FakeGateway, startFakeGateway } from './fake-gateway.ts';

const JWT_SECRET = 'a secret that only this test knows';
const PERIOD_END = '2030-05-17T10:00:00.000Z';

const FREE = { is_premium: false, premium_until: null, subscription: null };
const PREMIUM = {
  is_premium: true,
  premium_until: PERIOD_END,
  subscription: {
    id: '1',
    plan_type: 'mensuel',
    status: 'active',
    current_period_end: PERIOD_END,
    cancel_at_period_end: false,
  },
};
const NO_PAYMENTS = { payments: [], limit: 20, offset: 0, total: 0 };
const NO_STATS = { total_payments: 0, successful_payments: 0, success_rate: 0, by_currency: {} };
const EUR_STATS = {
  total_payments: 1,
  successful_payments: 1,
  success_rate: 100,
  by_currency: {
    eur: { total_payments: 1, successful_payments: 1, total_amount_paid: 9.99, amount_refunded: 0 },
  },
};

describe('demo: the page', function () {
  this.timeout(60_000);
  let browser: Browser;
  let gateway: FakeGateway;
  let front: Front;
  let origin: string;
  let page: Page;
  let errors: string[];

  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser.close());

  beforeEach(async () => {
    gateway = await startFakeGateway();
    const port = await freePort();
    origin = local(port);
    const secrets = { internalKey: '', stripeKey: '', webhookSecret: '', jwtSecret: JWT_SECRET };
    const query = async () => [{ id: 7 }];
    front = await startFront(port, {
      gatewayUrl: gateway.url,
      sandboxUrl: gateway.url,
      origin,
      secrets,
      query,
    });
    gateway.answer('GET /api/stripe/subscription', { data: FREE });
    gateway.answer('GET /api/stripe/payment/history', { data: NO_PAYMENTS });
    gateway.answer('GET /api/stripe/payment/stats', { data: NO_STATS });
    page = await browser.newPage();
    errors = [];
    page.on('pageerror', (error) => void errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && void errors.push(message.text()));
  });
  afterEach(async () => {
    await page.close();
    await front.close();
    await gateway.close();
  });

  const at = (testId: string): Locator => page.getByTestId(testId);

  async function logIn(): Promise<void> {
    await page.goto(origin);
    await at('login').click();
    await page.locator('[data-testid="live-status"][data-state="open"]').waitFor();
  }

  it('logs in with a cookie that scripts cannot read and the gateway can verify', async () => {
    await logIn();
    expect(await at('login-state').textContent()).to.equal('Bonjour Camille');
    const [cookie] = await page.context().cookies();
    expect(cookie).to.include({ name: 'access_token', httpOnly: true, sameSite: 'Lax' });
    const claims = jwt.verify(cookie?.value ?? '', JWT_SECRET, { algorithms: ['HS256'] });
    expect(claims).to.include({ sub: '7', scope: 'access' });
    expect(errors).to.deep.equal([]);
  });

  it('stays logged in over a reload, until one logs out', async () => {
    await logIn();
    await page.reload();
    await at('logout').click();
    await at('login').waitFor();
    expect(await page.context().cookies()).to.deep.equal([]);
  });

  it('goes to the checkout page for the chosen plan', async () => {
    await logIn();
    gateway.answer('POST /api/stripe/subscription', { data: { id: 'cs_1', url: `${origin}/icon.svg` } });
    await at('buy-annuel').click();
    await page.waitForURL('**/icon.svg');
    const request = gateway.requests.find(({ route }) => route === 'POST /api/stripe/subscription');
    expect(JSON.parse(request?.body ?? '')).to.deep.equal({ plan_type: 'annuel' });
    expect(request?.headers).to.include({ origin });
  });

  it('turns premium at the moment the news comes, without a reload', async () => {
    await logIn();
    expect(await at('premium-badge').textContent()).to.equal('Compte gratuit');
    gateway.answer('GET /api/stripe/subscription', { data: PREMIUM });
    gateway.say('premium_activated', { message: 'Premium activé avec succès!', end_date: PERIOD_END });
    await page.locator('[data-testid="premium-badge"][data-premium="true"]').waitFor();
    expect(await at('notice').first().textContent()).to.match(
      /Premium activé avec succès! · jusqu’au 17 mai 2030/,
    );
    expect(await at('subscription-summary').textContent()).to.equal(
      'Formule mensuelle, renouvelée le 17 mai 2030.',
    );
    expect(await at('buy-mensuel').isDisabled()).to.equal(true);
  });

  it('lists payments in the currency they were made in', async () => {
    const payment = { id: '1', amount: 500, currency: 'jpy', status: 'failed', created_at: PERIOD_END };
    gateway.answer('GET /api/stripe/payment/history', {
      data: {
        ...NO_PAYMENTS,
        payments: [{ ...payment, failure_reason: 'Provision insuffisante' }],
        total: 1,
      },
    });
    gateway.answer('GET /api/stripe/payment/stats', { data: EUR_STATS });
    await logIn();
    await at('payment').waitFor();
    expect(await at('payment').textContent()).to.match(/500\s*(¥|JPY|JP¥).*Échoué : Provision insuffisante/u);
    expect(await at('stat-paid').textContent()).to.match(/^9,99\s€$/u);
  });

  it('shows what it is told as text, whatever it contains', async () => {
    await logIn();
    gateway.say('payment_failed', { message: '<img src=x onerror=alert(1)>', url: 'javascript:alert(1)' });
    await at('notice').first().waitFor();
    expect(await at('notice').first().locator('img, a').count()).to.equal(0);
    expect(errors).to.deep.equal([]);
  });

  it('comes back by itself when the connection is cut, and reads what it missed', async () => {
    await logIn();
    gateway.answer('GET /api/stripe/subscription', { data: PREMIUM });
    gateway.cut();
    await page.locator('[data-testid="premium-badge"][data-premium="true"]').waitFor();
    expect(await at('live-status').getAttribute('data-state')).to.equal('open');
  });

  it('asks before it cancels at once, and not before it cancels at the end of the period', async () => {
    gateway.answer('GET /api/stripe/subscription', { data: PREMIUM });
    gateway.answer('DELETE /api/stripe/subscription', { data: null });
    await logIn();
    await at('cancel-at-period-end').click();
    await at('cancel-now').click();
    await at('confirm-no').click();
    await at('cancel-now').click();
    await at('confirm-yes').click();
    await at('confirm-dialog').waitFor({ state: 'hidden' });
    await page.waitForLoadState('networkidle');
    const cancellations = gateway.requests.filter(({ route }) => route === 'DELETE /api/stripe/subscription');
    expect(cancellations.map(({ body }) => JSON.parse(body))).to.deep.equal([
      { at_period_end: true },
      { at_period_end: false },
    ]);
    expect(errors).to.deep.equal([]);
  });

  it('says why a call failed', async () => {
    await logIn();
    gateway.answer('POST /api/stripe/subscription', { status: 409, error: 'Vous êtes déjà abonné' });
    await at('buy-mensuel').click();
    await at('notice').first().waitFor();
    expect(await at('notice').first().textContent()).to.match(/Vous êtes déjà abonné$/);
  });

  it('fits a small screen', async () => {
    await page.setViewportSize({ width: 320, height: 640 });
    await logIn();
    const overflow = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
    expect(overflow).to.equal(0);
  });
});
