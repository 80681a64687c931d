import { request } from 'node:http';
import { expect } from 'chai';
import { createSandbox, type Sandbox } from '../../sandbox/index.ts';

describe('sandbox: who may control it', () => {
  let sandbox: Sandbox;

  before(async () => {
    sandbox = await createSandbox({ frozen: true, publicUrl: 'https://sandbox.matcha.test/stripe' });
  });
  after(() => sandbox.close());

  /** @returns the status, and what the answer says */
  function call(
    path: string,
    headers: Record<string, string>,
    method = 'POST',
  ): Promise<{ status?: number; text: string }> {
    return new Promise((resolve, reject) => {
      request(`http://127.0.0.1:${sandbox.port}${path}`, { method, headers }, async (response) => {
        response.setEncoding('utf8');
        let text = '';
        for await (const part of response) text += part;
        resolve({ status: response.statusCode, text });
      })
        .on('error', reject)
        .end(method === 'POST' ? '{"seconds":60}' : undefined);
    });
  }

  const own = () => `127.0.0.1:${sandbox.port}`;

  it('takes names under which only this machine or this network knows it, and its own', async () => {
    const before = sandbox.now;
    const hosts = [
      own(),
      'localhost',
      '[::1]:12111',
      '10.1.2.3:80',
      'sandbox:12111',
      'sandbox.matcha.test',
      'a.localhost',
    ];
    for (const host of hosts) {
      expect((await call('/_sandbox/advance', { host })).status, host).to.equal(200);
    }
    expect(sandbox.now).to.equal(before + hosts.length * 60);
  });

  it('refuses every other name, by which a page could have led a browser here', async () => {
    const before = sandbox.now;
    for (const host of [
      'evil.test',
      `evil.test:${sandbox.port}`,
      '127.0.0.1.evil.test',
      'localhost.evil.test',
      'sandbox.matcha.test.evil.test',
      'user@evil.test',
      'evil.test/127.0.0.1',
    ]) {
      for (const [path, method] of [
        ['/_sandbox/advance', 'POST'],
        ['/_sandbox/deliveries', 'GET'],
        ['/_sandbox/health', 'GET'],
      ] as const) {
        expect((await call(path, { host }, method)).status, `${host} ${path}`).to.be.within(400, 403);
      }
    }
    expect(sandbox.now).to.equal(before);
  });

  it('refuses what a page of another origin made a browser send', async () => {
    const before = sandbox.now;
    const elsewhere: Record<string, string>[] = [
      { origin: 'https://evil.test' },
      { origin: 'null' },
      { origin: `http://127.0.0.1:${sandbox.port + 1}` },
      { origin: 'https://sandbox.matcha.test.evil.test' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of elsewhere) {
      const { status, text } = await call('/_sandbox/advance', { host: own(), ...headers });
      expect(status, JSON.stringify(headers)).to.equal(403);
      expect(text).to.contain('another origin');
    }
    expect(sandbox.now).to.equal(before);
  });

  it('takes what its own pages send', async () => {
    for (const origin of [`http://${own()}`, 'https://sandbox.matcha.test']) {
      expect((await call('/_sandbox/advance', { host: own(), origin })).status, origin).to.equal(200);
    }
  });
});
