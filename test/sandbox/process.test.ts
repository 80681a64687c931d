import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import Stripe from 'stripe';
import { optionsFromEnvironment } from '../../sandbox/index.ts';

describe('sandbox: the process', () => {
  it('says where it listens, has the two prices, and stops on SIGTERM', async function () {
    this.timeout(10_000);
    const child = spawn(process.execPath, ['sandbox/main.ts'], {
      env: {
        ...process.env,
        SANDBOX_PORT: '0',
        STRIPE_PRICE_MENSUEL: 'price_m',
        STRIPE_PRICE_ANNUEL: 'price_a',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    try {
      const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
      const port = Number(/^sandbox listening on http:\/\/127\.0\.0\.1:(\d+)$/.exec(line)?.[1]);
      const stripe = new Stripe('sk_test_1', { host: '127.0.0.1', port, protocol: 'http' });
      const prices = await Promise.all(
        ['price_m', 'price_a'].map((id) => stripe.prices.retrieve(id, { expand: ['product'] })),
      );
      expect(prices.map((price) => price.unit_amount)).to.deep.equal([999, 9999]);
      expect(prices[0]?.product).to.have.property('name', 'Matcha Premium');
    } finally {
      child.kill('SIGTERM');
    }
    expect(await exited).to.deep.equal([0, null]);
  });

  it('reads its environment', () => {
    expect(optionsFromEnvironment({})).to.deep.include({
      host: '127.0.0.1',
      port: 12111,
      webhook: undefined,
    });
    const options = optionsFromEnvironment({
      SANDBOX_WEBHOOK_URL: 'http://127.0.0.1:8085/api/stripe/webhook',
      SANDBOX_WEBHOOK_SECRET: 'whsec_1',
      SANDBOX_API_VERSION: '2024-06-20',
    });
    expect(options.webhook).to.deep.equal({
      url: 'http://127.0.0.1:8085/api/stripe/webhook',
      secret: 'whsec_1',
      apiVersion: '2024-06-20',
    });
    expect(() => optionsFromEnvironment({ SANDBOX_PORT: 'abc' })).to.throw(/SANDBOX_PORT/);
  });
});
