import { expect } from 'chai';
import type { Browser, Locator, Page } from 'playwright-core';
import { startFront } from '../../demo/front/server.ts';
import { launchBrowser } from '../../rig/browser.ts';
import { type Matcha, startMatcha } from '../../rig/matcha.ts';
import { local } from '../../rig/matcha-environment.ts';
import { Pile } from '../../rig/pile.ts';
import { freePort } from '../../rig/ports.ts';

describe('demo: a purchase in a browser, through everything there is', function () {
  this.timeout(120_000);
  const pile = new Pile();
  let browser: Browser;
  let matcha: Matcha;
  let page: Page;

  before(async () => {
    const port = await freePort();
    browser = pile.add(await launchBrowser());
    matcha = await startMatcha({ durability: 'fast', origin: local(port) }, pile);
    const { urls, secrets, origin } = matcha;
    const query = (text: string, values?: readonly unknown[]) => matcha.query(text, values);
    const front = { gatewayUrl: urls.gateway, sandboxUrl: urls.sandbox, secrets, origin, query };
    pile.add(await startFront(port, front));
  });
  after(() => pile.close());
  beforeEach(async () => {
    page = await (await browser.newContext({ locale: 'fr-FR' })).newPage();
    page.setDefaultTimeout(20_000);
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      console.error(await page.locator('main').textContent());
    }
    await page.context().close();
  });

  async function logIn(user: string): Promise<void> {
    await page.request.post(`${matcha.origin}/demo/login`, { data: { user } });
    await page.goto(matcha.origin);
    await page.locator('[data-testid="live-status"][data-state="open"]').waitFor();
  }

  const at = (testId: string): Locator => page.getByTestId(testId);
  const notice = (type: string): Locator =>
    page.locator(`[data-testid="notice"][data-type="${type}"]`).first();
  const premium = (value: boolean): Locator =>
    page.locator(`[data-testid="premium-badge"][data-premium="${value}"]`);

  /** Buys the monthly plan with one of the cards on the checkout page, and comes back premium. */
  async function buy(card: string): Promise<void> {
    await premium(false).waitFor();
    await at('buy-mensuel').click();
    await at(`card-${card}`).check();
    await at('checkout-pay').click();
    await page.waitForURL(`${matcha.origin}/**`);
    await premium(true).waitFor();
  }

  it('turns premium after the payment, visits the billing portal, and ends when cancelled', async () => {
    await logIn('camille');
    await buy('succeeds');
    await at('payment').waitFor();

    await at('billing-portal').click();
    await at('portal-return').click();
    await page.waitForURL(`${matcha.origin}/`);

    await at('cancel-at-period-end').click();
    await notice('premium_cancelled').waitFor();
    await premium(true).waitFor();

    await at('cancel-now').click();
    await at('confirm-yes').click();
    await premium(false).waitFor();
  });

  it('renews after a month', async () => {
    await logIn('noe');
    await buy('succeeds');
    await at('advance-month').click();
    await at('payment').nth(1).waitFor();
    await notice('payment_succeeded').waitFor();
    expect(await at('stat-paid').textContent()).to.match(/^19,98\s€$/u);
  });

  it('buys again after a cancellation, and hears of a renewal that fails', async () => {
    await logIn('camille');
    await buy('failsLater');
    await at('advance-month').click();
    await notice('payment_failed').waitFor();
    await page.locator('[data-testid="payment"][data-status="failed"]').first().waitFor();
  });
});
