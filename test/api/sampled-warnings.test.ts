import { expect } from 'chai';
import { pino } from 'pino';
import { createSampledWarning } from '../../src/shared/sampled-warnings.ts';
import { useApi } from './support/api.ts';
import { delivery, stripeEvent } from './support/webhook.ts';

type Line = { level: string; code?: string; count?: number; msg: string };

describe('Webhooks that nobody signed', () => {
  const api = useApi();

  const warnings = (code: string): Line[] =>
    api()
      .log.map((line) => JSON.parse(line) as Line)
      .filter((line) => line.msg.startsWith('Refused a webhook') && line.code === code);

  it('are all refused and all counted, and fill no log', async () => {
    const body = JSON.stringify(stripeEvent());
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => api().ask('/api/stripe/webhook', delivery(body, ''))),
      );
      for (const { status } of answers) expect(status).to.equal(400);
    }
    expect(warnings('missing_signature')).to.have.length(1);
  });

  it('hide no other reason', async () => {
    const body = JSON.stringify(stripeEvent());
    const signature = `t=${Math.floor(Date.now() / 1_000)},v1=${'0'.repeat(64)}`;
    await api().ask('/api/stripe/webhook', delivery(body, signature));
    expect(warnings('invalid_signature')).to.have.length(1);
  });
});

describe('A sampled warning', () => {
  const lines: Line[] = [];
  let heard: (() => void) | undefined;
  const logger = pino({
    hooks: {
      streamWrite: (line) => {
        lines.push(JSON.parse(line));
        heard?.();
        return '';
      },
    },
  });

  function nextLine(): Promise<void> {
    return new Promise((resolve) => {
      heard = resolve;
    });
  }

  it('is a line at once, then one with the number of those that followed, then silence', async () => {
    const warn = createSampledWarning(logger, 50);
    for (let n = 0; n < 8; n += 1) warn('a', { from: n }, 'Refused');
    warn('b', {}, 'Something else');
    expect(lines.map(({ msg }) => msg)).to.deep.equal(['Refused', 'Something else']);
    // The timer alone keeps no process alive.
    const alive = setInterval(() => undefined, 1_000);
    await nextLine();
    expect(lines.at(-1)).to.include({ msg: 'Refused, 7 times in 0.05 s', count: 7, from: 7 });
    warn('a', {}, 'Refused');
    await nextLine();
    clearInterval(alive);
    expect(lines.at(-1)).to.include({ msg: 'Refused, 1 times in 0.05 s', count: 1 });
    expect(lines).to.have.length(4);
  });
});
