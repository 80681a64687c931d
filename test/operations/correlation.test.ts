import { expect } from 'chai';
import Stripe from 'stripe';
import { type Matcha, startMatcha } from '../../rig/matcha.ts';
import { type ManagedProcess, runToEnd } from '../../rig/process.ts';
import { buy, deliver, eventually, sandbox, settled } from './support/purchase.ts';
import { type RecordingServer, startRecordingServer } from './support/recording-server.ts';
import { ancestry, type Span, spansIn } from './support/spans.ts';

type Line = Record<string, unknown> & { msg: string; level: string };

/** The JSON lines of a process. */
function linesOf(process: ManagedProcess | undefined): Line[] {
  return (process?.lines ?? [])
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
}

describe('One purchase, followed through web and worker', function () {
  this.timeout(120_000);
  let matcha: Matcha;
  let gateway: RecordingServer;
  let collector: RecordingServer;
  /** Request id by event id: what the sender of each webhook called its request. */
  const requestIds = new Map<string, string>();
  let events: Stripe.Event[] = [];

  before(async () => {
    [gateway, collector] = await Promise.all([startRecordingServer(), startRecordingServer()]);
    matcha = await startMatcha({
      durability: 'fast',
      env: { GATEWAY_URL: gateway.url, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    });
    await sandbox(matcha, 'hold');
    await buy(matcha);
    const stripe = new Stripe(matcha.secrets.stripeKey, {
      protocol: 'http',
      host: '127.0.0.1',
      port: new URL(matcha.urls.sandbox).port,
    });
    events = (await stripe.events.list({ limit: 100 })).data.reverse();
    for (const [index, event] of events.entries()) {
      requestIds.set(event.id, `request-${index}-of-the-test`);
      const headers = { 'x-request-id': `request-${index}-of-the-test` };
      expect(await deliver(matcha, event, headers), event.type).to.equal(200);
    }
    await settled(matcha, events.length);
    const [{ messages } = { messages: 0 }] = await matcha.query(
      'select count(*)::int as messages from outbox_messages',
    );
    // Rows are committed a moment before their line is written.
    await eventually('every line is written', async () => {
      const lines = linesOf(matcha.workers[0]);
      const applied = lines.filter(({ eventId }) => eventId !== undefined).length;
      return (
        applied >= events.length && lines.filter(({ fact }) => fact !== undefined).length >= Number(messages)
      );
    });
  });
  after(async () => {
    await matcha?.close();
    await Promise.all([gateway?.close(), collector?.close()]);
  });

  it('has a line for every event that was applied, under the id of its HTTP request', () => {
    const applied = linesOf(matcha.workers[0]).filter(({ eventId }) => eventId !== undefined);
    expect(new Set(applied.map(({ eventId }) => eventId))).to.deep.equal(new Set(requestIds.keys()));
    for (const line of applied) {
      expect(line.correlationId, line.msg).to.equal(requestIds.get(String(line.eventId)));
      expect(line.level).to.equal('info');
      expect(line.outcome).to.match(/^(?:applied|ignored|parked)$/);
      expect(line.eventType).to.be.a('string');
      // Stripe tells whole seconds, so that it is at most one too much.
      expect(line.sinceCreatedMs).to.be.within(0, 120_000);
    }
    expect(applied.filter(({ outcome }) => outcome === 'applied')).not.to.be.empty;
  });

  it('has a line for every notification delivered, and the gateway is told the same id', async () => {
    const delivered = linesOf(matcha.workers[0]).filter(({ fact }) => fact !== undefined);
    const rows = await matcha.query('select fact from outbox_messages');
    expect(delivered.map(({ fact }) => fact)).to.have.members(rows.map(({ fact }) => fact));
    const ids = [...requestIds.values()];
    for (const line of delivered) {
      expect(ids, line.msg).to.include(line.correlationId);
      expect(line.level).to.equal('info');
      expect(line.sinceCreatedMs).to.be.within(0, 120_000);
    }
    const told = gateway.requests.map(({ headers }) => headers['x-request-id']);
    expect(told.toSorted()).to.deep.equal(delivered.map(({ correlationId }) => correlationId).toSorted());
  });

  it('is one trace from the webhook over job and unit of work to the gateway', async () => {
    const wanted = gateway.requests.map(({ headers }) => String(headers.traceparent));
    for (const header of wanted) expect(header).to.match(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    await Promise.all([matcha.webs[0]?.stop(), matcha.workers[0]?.stop()]);
    const spans = spansIn(collector.requests);
    for (const { headers } of gateway.requests) {
      const [, traceId, spanId] = String(headers.traceparent).split('-');
      const last = spans.find((span) => span.spanId === spanId);
      if (last === undefined) throw new Error(`The collector has no span ${spanId}`);
      const way = ancestry(last, spans);
      expect(way.every((span) => span.traceId === traceId)).to.equal(true);
      expect(way.map(shortName).reverse()).to.deep.equal([
        'paiements-web POST /api/stripe/webhook',
        'paiements-web add stripe-events',
        'paiements-worker process stripe-events',
        'paiements-worker unit of work',
        'paiements-worker notify',
      ]);
      const root = way.at(-1);
      expect(root?.attributes.correlation_id).to.equal(headers['x-request-id']);
    }
  });

  it('has a trace of every event, and none of housekeeping', () => {
    const spans = spansIn(collector.requests);
    const units = spans.filter(({ name }) => name === 'unit of work');
    const inUnits = units.map(({ attributes }) => attributes['stripe.event.id']);
    expect(inUnits).to.include.members(events.map(({ id }) => id));
    expect(spans.filter(({ name }) => /getNextJob|extendLocks|Stalled/.test(name))).to.deep.equal([]);
  });

  it('puts no payload and no secret into spans', () => {
    const sent = collector.requests.map(({ body }) => body).join('');
    for (const secret of Object.values(matcha.secrets)) expect(sent).not.to.include(secret);
    expect(sent).not.to.match(/@matcha\.example|4242424242424242|client_secret/);
  });
});

/** The service and what it did, without what differs from event to event. */
function shortName({ service, name }: Span): string {
  return `${service} ${name.replace(/^(add stripe-events|notify).*$/, '$1')}`;
}

/** prom-client brings the API package, which only says what there could be. */
const OURS = /@opentelemetry\/(?!api\/)|bullmq-otel|open-telemetry\.ts/;

describe('Without an endpoint for traces', () => {
  it('nothing of OpenTelemetry is loaded', async function () {
    this.timeout(60_000);
    const lines = await runToEnd({
      name: 'loaded modules',
      script: 'test/operations/fixtures/loaded-modules.ts',
      env: {},
    });
    const loaded = JSON.parse(lines.at(-1) ?? '') as string[];
    expect(loaded.filter((url) => url.includes('/node_modules/bullmq/'))).not.to.be.empty;
    expect(loaded.filter((url) => OURS.test(url))).to.deep.equal([]);
  });
});
