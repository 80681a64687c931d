import { expectThat } from './step.ts';

const TIMEOUT_MS = 30_000;

/** Fills in the hosted checkout page as a person would: reads its form, enters the card, presses “Payer”. */
export async function payOnHostedPage(url: string, card: string, origin: string): Promise<void> {
  const page = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const html = await page.text();
  expectThat(page.ok, `The checkout page ${url} answered ${page.status}`);
  const form = paymentForm(html);
  expectThat(form !== undefined, `The checkout page ${url} has no form for a card`);
  const response = await fetch(new URL(form.action, url), {
    method: 'POST',
    body: new URLSearchParams({ ...form.fields, [form.cardField]: card }),
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const location = response.headers.get('location') ?? '';
  const returned = response.status >= 300 && response.status < 400 && location.startsWith(`${origin}/`);
  expectThat(
    returned,
    `The checkout page answered ${response.status} and sent us to "${location}" instead of ${origin}`,
  );
}

type PaymentForm = { action: string; fields: Record<string, string>; cardField: string };

/** The first form that takes a card: where it goes and what it is filled with already. */
function paymentForm(html: string): PaymentForm | undefined {
  for (const [, head = '', body = ''] of html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)) {
    const inputs = [...body.matchAll(/<input\b([^>]*)>/gi)].map(([, attributes = '']) => ({
      name: attribute(attributes, 'name'),
      value: attribute(attributes, 'value'),
      type: attribute(attributes, 'type'),
    }));
    const names = [...inputs.map(({ name }) => name), ...selectNames(body)];
    const cardField = names.find((name) => /^(card|number|card_?number)$/i.test(name));
    if (cardField === undefined) continue;
    const filled = inputs.filter(
      ({ name, type }) => name !== '' && !['radio', 'checkbox', 'submit'].includes(type),
    );
    return {
      action: attribute(head, 'action'),
      fields: Object.fromEntries(filled.map(({ name, value }) => [name, value])),
      cardField,
    };
  }
  return undefined;
}

function selectNames(html: string): string[] {
  return [...html.matchAll(/<select\b([^>]*)>/gi)].map(([, attributes = '']) =>
    attribute(attributes, 'name'),
  );
}

function attribute(attributes: string, name: string): string {
  const value = new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(attributes)?.[1] ?? '';
  return value
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&amp;', '&');
}
