import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../../rig/browser.ts';
import { type Api, useApi } from './support/api.ts';
import {
  addFailedEvent,
  BOARD,
  BOARD_ENV,
  BOARD_PASSWORD,
  BOARD_USER,
  login,
  PRIVATE,
} from './support/board.ts';

const EVENT = 'evt_in_browser';
const FAILED = `${BOARD}/queue/stripe-events?status=failed`;

describe('The board in a browser', function () {
  this.timeout(120_000);
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser?.close());
  beforeEach(async () => {
    page = await (
      await browser.newContext({ locale: 'en-US', viewport: { width: 1_400, height: 900 } })
    ).newPage();
    page.setDefaultTimeout(15_000);
    complaints = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
  });
  afterEach(() => page.context().close());

  const at = (api: Api, path: string): string => `http://127.0.0.1:${api.port}${path}`;

  async function logIn(password = BOARD_PASSWORD): Promise<void> {
    await page.getByLabel('User').fill(BOARD_USER);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
  }

  async function stateOf(api: Api): Promise<string | undefined> {
    return api.inQueue('stripe-events', async (queue) => (await queue.getJob(EVENT))?.getState());
  }

  describe('with everything allowed', () => {
    const api = useApi(() => ({ env: BOARD_ENV }));
    before(() => addFailedEvent(api(), EVENT));

    it('turns a wrong password away, lets the right one in, shows a failed job and retries it', async () => {
      await page.goto(at(api(), FAILED));
      await logIn('not the password');
      await page.getByRole('alert').getByText('User or password is wrong.').waitFor();
      expect(complaints).to.deep.equal([
        'Failed to load resource: the server responded with a status of 401 (Unauthorized)',
      ]);
      complaints = [];

      await logIn();
      await page.getByRole('link', { name: 'stripe-events' }).first().click();
      await page.goto(at(api(), FAILED));
      await page.getByText(EVENT, { exact: true }).waitFor();
      await page.getByText('[email]').first().waitFor();
      await page.getByRole('tab', { name: 'Data' }).click();
      await page.getByText('in_board').first().waitFor();
      const shown = String(await page.locator('body').textContent());
      for (const value of Object.values(PRIVATE)) expect(shown).not.to.contain(value);

      const retried = page.waitForResponse((response) => response.request().method() === 'PUT');
      await page.getByRole('button', { name: 'Retry all' }).click();
      await page.getByRole('button', { name: 'Confirm' }).click();
      expect((await retried).status()).to.equal(200);
      expect(await stateOf(api())).to.equal('waiting');
      // Neither a script error nor anything that the policy had to stop.
      expect(complaints).to.deep.equal([]);
    });

    it('says so when it does not do what its page offers', async () => {
      await api().inQueue('stripe-events', (queue) => queue.obliterate({ force: true }));
      await addFailedEvent(api(), EVENT);
      await page.goto(at(api(), BOARD));
      await logIn();
      await page.goto(at(api(), FAILED));
      await page.getByRole('button', { name: 'Clean all' }).click();
      await page.getByRole('button', { name: 'Confirm' }).click();
      await page.getByText('This board retries and promotes jobs, and does nothing else').waitFor();
      expect(await stateOf(api())).to.equal('failed');
    });

    it('is left by its own menu', async () => {
      await page.goto(at(api(), BOARD));
      await logIn();
      await page.getByRole('link', { name: 'stripe-events' }).first().waitFor();
      await page.locator('header button[aria-haspopup="menu"]').click();
      await page.getByText('Log out').click();
      await page.getByRole('button', { name: 'Log out' }).click();
      await page.getByLabel('Password').waitFor();
      await page.goto(at(api(), FAILED));
      expect(page.url()).to.equal(at(api(), `${BOARD}/login`));
    });
  });

  describe('that is read only', () => {
    const api = useApi(() => ({ env: { ...BOARD_ENV, ADMIN_READ_ONLY: 'true' } }));
    before(() => addFailedEvent(api(), EVENT));

    it('shows the failed job without a way to act, and refuses whoever tries', async () => {
      await page.goto(at(api(), BOARD));
      await logIn();
      await page.getByRole('link', { name: 'stripe-events' }).first().waitFor();
      await page.goto(at(api(), FAILED));
      await page.getByText(EVENT, { exact: true }).waitFor();
      expect(await page.getByRole('button', { name: /retry|clean|promote|pause/i }).count()).to.equal(0);
      const refused = await page.evaluate(
        (path) => fetch(path, { method: 'PUT' }).then((response) => response.status),
        `${BOARD}/api/queues/stripe-events/${EVENT}/retry`,
      );
      expect(refused).to.equal(403);
      expect(await stateOf(api())).to.equal('failed');
    });
  });

  describe('after too many guesses', () => {
    const api = useApi(() => ({ env: BOARD_ENV }));

    it('tells how long to wait, and then takes the right password', async () => {
      await page.goto(at(api(), BOARD));
      // Others guess at the same name from the same address meanwhile, as many as are still looked at.
      while ((await login(api(), { password: 'guess' })).status === 401);
      await logIn('one guess more');
      const told = page.getByText(/Too many attempts\. Wait \d+ s and try again/);
      const [, seconds] = /Wait (\d+) s/.exec((await told.textContent()) ?? '') ?? [];
      await sleep(Number(seconds) * 1_000);
      await logIn();
      await page.waitForURL(at(api(), BOARD));
    });
  });
});
