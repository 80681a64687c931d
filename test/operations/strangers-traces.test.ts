import { expect } from 'chai';
import { type Matcha, startMatcha } from '../../rig/matcha.ts';
import { type RecordingServer, startRecordingServer } from './support/recording-server.ts';
import { spansIn } from './support/spans.ts';

/** The header by which somebody says that a request belongs to a trace, and that it is kept. */
const kept = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;

describe('With a share of traces of none', function () {
  this.timeout(120_000);
  let matcha: Matcha;
  let collector: RecordingServer;

  before(async () => {
    collector = await startRecordingServer();
    matcha = await startMatcha({
      durability: 'fast',
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER_ARG: '0' },
    });
  });
  after(async () => {
    await matcha?.close();
    await collector?.close();
  });

  it('a stranger switches none on, at web or through the gateway; who knows the internal key does', async () => {
    const { web, gateway } = matcha.urls;
    const stranger = { traceparent: kept('a') };
    await fetch(`${web}/health`, { headers: stranger });
    await fetch(`${web}/api/stripe/subscription`, { headers: { ...stranger, 'x-internal-key': 'a guess' } });
    await fetch(`${web}/api/stripe/webhook`, { method: 'POST', body: '{}', headers: stranger });
    await fetch(`${gateway}/api/paiements/health`, { headers: stranger });
    await fetch(`${gateway}/api/stripe/webhook`, { method: 'POST', body: '{}', headers: stranger });
    await fetch(`${web}/api/admin/webhook/events`, {
      headers: { traceparent: kept('b'), 'x-internal-key': matcha.secrets.internalKey },
    });
    await matcha.webs[0]?.stop();
    const spans = spansIn(collector.requests);
    expect(spans.map(({ name }) => name)).to.include('GET /api/admin/webhook/events');
    expect([...new Set(spans.map(({ traceId }) => traceId))]).to.deep.equal(['b'.repeat(32)]);
  });
});
