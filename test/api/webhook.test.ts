import { expect } from 'chai';
import { SECOND } from '../../src/shared/duration.ts';
import { SECOND_WEBHOOK_SECRET, useApi, WEBHOOK_SECRET } from './support/api.ts';
import { delivery, signatureOf, stripeEvent } from './support/webhook.ts';

const PATH = '/api/stripe/webhook';
const NOW = Date.UTC(2027, 0, 15, 12);

describe('The webhook', () => {
  const api = useApi(() => ({ clock: { now: () => new Date(NOW) } }));

  function signed(body: string | Uint8Array, options: { secret?: string; at?: number } = {}) {
    return delivery(body, signatureOf(body, { at: NOW, ...options }));
  }

  function jobOf(eventId: string) {
    return api().inQueue('stripe-events', (queue) => queue.getJob(eventId));
  }

  async function expectNothingQueued(): Promise<void> {
    expect(await api().inQueue('stripe-events', (queue) => queue.getJobCountByTypes('wait'))).to.equal(0);
  }

  afterEach(() => api().inQueue('stripe-events', (queue) => queue.obliterate({ force: true })));

  for (const path of [PATH, `${PATH}/`, `${PATH}?from=stripe`]) {
    it(`answers 200 once the event is queued, byte for byte (${path})`, async () => {
      const event = stripeEvent();
      const body = JSON.stringify(event, null, 2);
      const { headers, ...request } = signed(body);
      const answer = await api().ask(path, {
        ...request,
        headers: { ...headers, 'x-request-id': 'delivery-7' },
      });

      expect(answer).to.deep.include({ status: 200, body: { received: true } });
      expect(answer.headers.get('x-request-id')).to.equal('delivery-7');
      const job = await jobOf(event.id);
      expect(job?.name).to.equal('invoice.paid');
      expect(job?.data).to.deep.equal({ eventId: event.id, payload: body, correlationId: 'delivery-7' });
    });
  }

  it('answers 200 to an event type that nobody handles', async () => {
    const event = stripeEvent({ type: 'something.stripe_invents_later' });
    expect((await api().ask(PATH, signed(JSON.stringify(event)))).status).to.equal(200);
    expect((await jobOf(event.id))?.name).to.equal('something.stripe_invents_later');
  });

  it('queues an event once, however often it is delivered', async () => {
    const body = JSON.stringify(stripeEvent());
    await Promise.all([1, 2, 3].map(() => api().ask(PATH, signed(body))));
    expect(await api().inQueue('stripe-events', (queue) => queue.getJobCountByTypes('wait'))).to.equal(1);
  });

  it('accepts either secret during a rotation, and both signatures in one header', async () => {
    const body = JSON.stringify(stripeEvent());
    const first = signatureOf(body, { at: NOW });
    const second = signatureOf(body, { at: NOW, secret: SECOND_WEBHOOK_SECRET });
    for (const header of [
      first,
      second,
      `${signatureOf(body, { at: NOW, secret: 'whsec_unknown_old' })},${second.split(',')[1]}`,
    ]) {
      expect((await api().ask(PATH, delivery(body, header))).status, header).to.equal(200);
    }
  });

  const cases: [string, number, number][] = [
    ['takes a signature that is 299 s old', -299, 200],
    ['takes a signature that is 300 s old', -300, 200],
    ['refuses a signature that is 301 s old', -301, 400],
    ['takes a signature from 299 s ahead of our clock', 299, 200],
    ['refuses a signature from 301 s ahead of our clock', 301, 400],
  ];
  for (const [title, seconds, status] of cases) {
    it(title, async () => {
      const answer = await api().ask(
        PATH,
        signed(JSON.stringify(stripeEvent()), { at: NOW + seconds * SECOND }),
      );
      expect(answer.status).to.equal(status);
      if (status === 400) {
        expect(answer.body).to.include({ success: false, code: 'stale_signature' });
        await expectNothingQueued();
      }
    });
  }

  it('refuses a body of which one byte was changed', async () => {
    const body = Buffer.from(JSON.stringify(stripeEvent()));
    const signature = signatureOf(body, { at: NOW });
    body[body.length - 3] = (body[body.length - 3] ?? 0) ^ 1;
    const answer = await api().ask(PATH, delivery(body, signature));
    expect(answer.status).to.equal(400);
    expect(answer.body.code).to.equal('invalid_signature');
    await expectNothingQueued();
  });

  const body = JSON.stringify(stripeEvent());
  const good = signatureOf(body, { at: NOW });
  const time = Math.floor(NOW / SECOND);
  const headers: [string, string | undefined, string][] = [
    ['no signature', '', 'missing_signature'],
    [
      "somebody else's signature",
      signatureOf(body, { at: NOW, secret: 'whsec_of_somebody_else' }),
      'invalid_signature',
    ],
    ['an empty secret', signatureOf(body, { at: NOW, secret: '' }), 'invalid_signature'],
    ['no time', good.replace(/^t=\d+,/, ''), 'invalid_signature'],
    ['a time that is no number', good.replace(/^t=\d+/, 't=soon'), 'invalid_signature'],
    ['two times', `t=${time - 3_600},${good}`, 'invalid_signature'],
    [
      'a fresh time before the signed one',
      `t=${time},t=${time - 3_600},${good.split(',')[1]}`,
      'invalid_signature',
    ],
    ['only a v0 signature', good.replace('v1=', 'v0='), 'invalid_signature'],
    ['an empty v1', `t=${time},v1=`, 'invalid_signature'],
    ['a v1 without value', `t=${time},v1`, 'invalid_signature'],
    ['a non-ASCII v1', `t=${time},v1=${'é'.repeat(64)}`, 'invalid_signature'],
    ['garbage', '=,=,,t', 'invalid_signature'],
  ];
  for (const [what, header, code] of headers) {
    it(`refuses ${what}`, async () => {
      const answer = await api().ask(PATH, delivery(body, header));
      expect(answer.status).to.equal(400);
      expect(answer.body).to.include({ success: false, code });
      await expectNothingQueued();
    });
  }

  it('refuses bytes that are not UTF-8, since text would not be what was signed', async () => {
    const bytes = Buffer.concat([
      Buffer.from(body.slice(0, -1)),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('}'),
    ]);
    const answer = await api().ask(PATH, signed(bytes));
    expect(answer.status).to.equal(400);
    expect(answer.body.code).to.equal('invalid_encoding');
    await expectNothingQueued();
  });

  const bodies: [string, string, string][] = [
    ['not JSON', 'hello', 'invalid_json'],
    ['cut off', body.slice(0, 40), 'invalid_json'],
    ['behind a byte order mark', `\uFEFF${body}`, 'invalid_json'],
    ['a list', '[]', 'not_an_event'],
    ['null', 'null', 'not_an_event'],
    ['another object', JSON.stringify({ id: 'cus_1', object: 'customer' }), 'not_an_event'],
    ['an event without id', JSON.stringify(stripeEvent({ id: undefined })), 'not_an_event'],
    ['an event with an empty type', JSON.stringify(stripeEvent({ type: '' })), 'not_an_event'],
    [
      'an event with an id that no column holds',
      JSON.stringify(stripeEvent({ id: 'e'.repeat(256) })),
      'not_an_event',
    ],
  ];
  for (const [what, text, code] of bodies) {
    it(`refuses a signed body that is ${what}`, async () => {
      const answer = await api().ask(PATH, signed(text));
      expect(answer.status).to.equal(400);
      expect(answer.body).to.include({ success: false, code });
      await expectNothingQueued();
    });
  }

  it('refuses an empty body', async () => {
    const answer = await api().ask(PATH, signed(''));
    expect(answer.status).to.equal(400);
  });

  it('answers 200 to a thin event and leaves it', async () => {
    const thin = JSON.stringify({
      id: 'evt_thin',
      object: 'v2.core.event',
      type: 'v1.invoice.paid',
      created: '2027-01-15T12:00:00Z',
    });
    expect(await api().ask(PATH, signed(thin))).to.deep.include({ status: 200, body: { received: true } });
    await expectNothingQueued();
    expect(api().log.some((line) => line.includes('Ignored a thin event'))).to.equal(true);
  });

  it('takes an event of 512 KiB and refuses a bigger one with 413', async () => {
    const limit = 512 * 1_024;
    const event = stripeEvent();
    const empty = Buffer.byteLength(JSON.stringify({ ...event, filler: '' }));
    const fits = JSON.stringify({ ...event, filler: 'x'.repeat(limit - empty) });
    expect(Buffer.byteLength(fits)).to.equal(limit);
    expect((await api().ask(PATH, signed(fits))).status).to.equal(200);

    const answer = await api().ask(PATH, signed(`${fits} `));
    expect(answer.status).to.equal(413);
    expect(answer.body).to.include({ success: false, code: 'body_too_large' });
  });

  it('refuses a big body without a Content-Length as well', async () => {
    const chunk = new TextEncoder().encode('x'.repeat(64 * 1_024));
    const stream = new ReadableStream({
      start(controller) {
        for (let sent = 0; sent < 20; sent += 1) controller.enqueue(chunk);
        controller.close();
      },
    });
    const response = await fetch(`http://127.0.0.1:${api().port}${PATH}`, {
      method: 'POST',
      headers: { 'stripe-signature': good },
      body: stream,
      duplex: 'half',
    });
    expect(response.status).to.equal(413);
    await response.text();
  });

  it('answers other methods with 405 and Allow', async () => {
    const answer = await api().ask(PATH);
    expect(answer.status).to.equal(405);
    expect(answer.headers.get('allow')).to.equal('POST');
    expect(answer.body).to.include({ success: false, code: 'method_not_allowed' });
  });

  it('writes neither payloads nor signatures nor secrets into the log', async () => {
    const secretive = JSON.stringify(stripeEvent({ data: { object: { card: '4242424242424242' } } }));
    await api().ask(PATH, signed(secretive));
    await api().ask(PATH, delivery(secretive, `t=${time},v1=${'f'.repeat(64)}`));
    const log = api().log.join('');
    expect(log).not.to.contain('4242424242424242');
    expect(log).not.to.contain('f'.repeat(64));
    expect(log).not.to.contain(WEBHOOK_SECRET);
  });
});
