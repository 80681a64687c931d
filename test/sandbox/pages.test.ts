import { expect } from 'chai';
import { buy, DAY, HOUR, idOf, openSession, openShop, pass, type Shop, START } from './support.ts';

interface Page {
  status: number;
  location: string | null;
  text: string;
}

/** What a browser does, redirects left to the reader. */
async function visit(url: string, form?: Record<string, string>): Promise<Page> {
  const response = await fetch(url, {
    redirect: 'manual',
    ...(form && { method: 'POST', body: new URLSearchParams(form) }),
  });
  return { status: response.status, location: response.headers.get('location'), text: await response.text() };
}

function byTestId(page: Page, id: string): string {
  const match = new RegExp(`data-testid="${id}"[^>]*>([^<]*)`).exec(page.text);
  if (!match) throw new Error(`no ${id} on the page`);
  return (match[1] ?? '').replace(/[\u00a0\u202f]/g, ' ');
}

function testIds(page: Page): string[] {
  return [...page.text.matchAll(/data-testid="([^"]+)"/g)].map((match) => match[1] ?? '');
}

describe('sandbox: hosted pages', () => {
  let shop: Shop;
  beforeEach(async () => {
    shop = await openShop();
  });
  afterEach(() => shop.close());

  it('Checkout shows the plan, refuses a bad card, then sells and leads back', async () => {
    const session = await openSession(shop, { allow_promotion_codes: true });
    const url = session.url ?? '';
    const page = await visit(url);
    expect(byTestId(page, 'checkout-plan')).to.equal('Matcha Premium');
    expect(byTestId(page, 'checkout-amount')).to.equal('9,99 € par mois');
    expect(byTestId(page, 'checkout-pay')).to.equal('Payer 9,99 €');
    expect(testIds(page)).to.include.members([
      'checkout-email',
      'checkout-cancel',
      'checkout-promo',
      'card-succeeds',
    ]);

    const nobody = await visit(url, { action: 'pay', card: '4242424242424242' });
    expect(nobody.status).to.equal(422);
    expect(byTestId(nobody, 'checkout-error')).to.match(/adresse e-mail/);
    const email = 'lea@example.com';
    const refused = await visit(url, { action: 'pay', card: '4000000000009995', email });
    expect(refused.status).to.equal(402);
    expect(byTestId(refused, 'checkout-error')).to.match(/provision/);
    expect(refused.text).to.include(`value="${email}"`);

    const sold = await visit(url, { action: 'pay', card: '4242424242424242', email });
    expect(sold).to.include({ status: 303, location: `https://matcha.test/merci?session=${session.id}` });
    // The shop hears of the sale before its customer is back.
    expect(shop.inbox.types).to.include('checkout.session.completed');
    expect((await visit(url)).location).to.equal(sold.location);
  });

  it('Checkout applies a promotion code before the payment', async () => {
    const { stripe } = shop;
    const coupon = await stripe.coupons.create({ percent_off: 50, duration: 'once' });
    await stripe.promotionCodes.create({ promotion: { type: 'coupon', coupon: coupon.id }, code: 'MOITIE' });
    const { url } = await openSession(shop, { allow_promotion_codes: true });
    expect((await visit(url ?? '', { action: 'promo', promo: '<b>non</b>' })).text).to.include(
      '&lt;b&gt;non',
    );
    const applied = await visit(url ?? '', { action: 'promo', promo: 'moitie' });
    expect(byTestId(applied, 'checkout-total')).to.equal('4,99 €');
    expect(testIds(applied)).to.include('checkout-promo-applied');
  });

  it('3D Secure stands between Checkout and the sale', async () => {
    const session = await openSession(shop, { customer_email: 'lea@example.com' });
    const form = { action: 'pay', card: '4000002500003155' };
    const asked = await visit(session.url ?? '', form);
    expect(asked.location).to.match(/\/3ds\/pi_/);
    const question = await visit(asked.location ?? '');
    expect(byTestId(question, 'threeds-amount')).to.equal('9,99 €');
    const refused = await visit(asked.location ?? '', { decision: 'refuse' });
    expect(refused.location).to.equal(session.url);
    expect(byTestId(await visit(session.url ?? ''), 'checkout-error')).to.match(/authentifier/);
    const again = await visit(session.url ?? '', form);
    const accepted = await visit(again.location ?? '', { decision: 'accept' });
    expect(accepted.location).to.match(/^https:\/\/matcha\.test\/merci/);
  });

  it('Checkout says when the session is over', async () => {
    const { url } = await openSession(shop);
    await shop.sandbox.advance(DAY);
    const page = await visit(url ?? '');
    expect(page.status).to.equal(410);
    expect(page.text).to.include('href="https://matcha.test/premium"');
    expect((await visit(`${shop.sandbox.url}/c/pay/cs_test_none`)).status).to.equal(404);
  });

  it('amounts follow the decimals of their currency', async () => {
    const { stripe } = shop;
    for (const [currency, text] of [
      ['jpy', '1 500 JPY'],
      ['kwd', '1,500 KWD'],
    ] as const) {
      const price = await stripe.prices.create({
        currency,
        unit_amount: 1500,
        recurring: { interval: 'year' },
        product_data: { name: 'Ailleurs' },
      });
      const { url } = await openSession(shop, { line_items: [{ price: price.id, quantity: 1 }] });
      const shown = byTestId(await visit(url ?? ''), 'checkout-total')
        .replace('JP¥', 'JPY')
        .replace(/^([^\d]*)\s*([\d\s,]+).*$/, '$2');
      expect(shown.trim()).to.equal(text.replace(/ [A-Z]+$/, ''));
    }
  });

  it('the portal cancels, resumes, changes plan and card, and ends', async () => {
    const { stripe, sandbox } = shop;
    const { id, customer } = await buy(shop);
    const session = await stripe.billingPortal.sessions.create({
      customer: idOf(customer),
      return_url: 'https://matcha.test/compte',
    });
    const first = await visit(session.url);
    expect(byTestId(first, 'portal-status')).to.equal('Actif');
    expect(testIds(first)).to.include.members([
      'portal-cancel',
      'portal-cancel-now',
      'portal-price',
      'portal-invoice',
      'portal-return',
    ]);
    const act = async (form: Record<string, string>): Promise<Page> => {
      const done = await visit(session.url, { subscription: id, ...form });
      expect(done).to.include({ status: 303, location: session.url });
      return visit(session.url);
    };
    expect(testIds(await act({ action: 'cancel' })))
      .to.include('portal-resume')
      .and.not.include('portal-cancel');
    expect(await stripe.subscriptions.retrieve(id)).to.include({
      cancel_at: START + 31 * DAY,
      cancel_at_period_end: false,
    });
    expect(testIds(await act({ action: 'resume' }))).to.include('portal-cancel');
    await act({ action: 'plan', price: 'price_annuel' });
    expect((await stripe.subscriptions.retrieve(id)).items.data[0]?.price.id).to.equal('price_annuel');
    expect(byTestId(await act({ action: 'card', card: '4000000000000341' }), 'portal-current-card')).to.match(
      /0341/,
    );
    expect(byTestId(await act({ action: 'cancel-now' }), 'portal-status')).to.equal('Résilié');
    await sandbox.deliveries.idle();
    expect(shop.inbox.types).to.include('customer.subscription.deleted');
  });

  it('the invoice page takes the payment that a renewal could not', async () => {
    const { stripe, inbox } = shop;
    const { id } = await buy(shop, { card: 'failsLater' });
    await pass(shop, 31 * DAY + HOUR);
    const url = inbox.last('invoice.payment_failed').data.object.hosted_invoice_url ?? '';
    const open = await visit(url);
    expect(byTestId(open, 'invoice-status')).to.equal('À payer');
    expect(byTestId(open, 'invoice-error')).to.match(/refusée/);
    expect((await visit(url, { card: '4000000000000002' })).status).to.equal(402);
    const asked = await visit(url, { card: '4000002760003184' });
    const accepted = await visit(asked.location ?? '', { decision: 'accept' });
    expect(accepted.location).to.equal(url);
    expect(byTestId(await visit(url), 'invoice-status')).to.equal('Payée');
    expect((await stripe.subscriptions.retrieve(id)).status).to.equal('active');
  });
});
