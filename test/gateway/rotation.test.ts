import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { internalKey, readConfig } from '../../src/shared/config/index.ts';
import { GatewayClient } from '../../src/workers/notifications/gateway-client.ts';
import { broadcast, useGateways } from './support/gateways.ts';
import { ask } from './support/http.ts';
import { loginToken } from './support/tokens.ts';

const [OLD, NEW] = ['the-first-of-two-secrets', 'the-second-of-two-secrets'];

describe('While secrets are being rotated, the gateway', () => {
  const startGateway = useGateways();

  it('takes messages under either key, and under no other', async () => {
    const { port } = await startGateway({ env: { INTERNAL_API_KEY: `${OLD},${NEW}` } });
    const message = { type: 'premium_activated', user_id: '42', data: {} };
    const status = async (key: string) => (await broadcast(port, message, { 'x-internal-key': key })).status;
    expect(await status(OLD)).to.equal(200);
    expect(await status(NEW)).to.equal(200);
    expect(await status(`${OLD},${NEW}`)).to.equal(401);
  });

  it('lets logins of either secret in, and of no other', async () => {
    const { port } = await startGateway({ env: { JWT_SECRET: `${OLD},${NEW}` } });
    const status = async (secret: string) =>
      (
        await ask(port, '/api/stripe/subscription', {
          headers: { authorization: `Bearer ${loginToken('42', { secret })}` },
        })
      ).status;
    // Nothing listens behind it: 502 is an answer to who was let in.
    expect(await status(OLD)).to.equal(502);
    expect(await status(NEW)).to.equal(502);
    expect(await status('of-nobody-here-at-all')).to.equal(401);
  });
});

describe('While the internal key is being rotated, the worker', () => {
  it('sends the first one', async () => {
    const keys: unknown[] = [];
    const server = createServer((request, response) => {
      keys.push(request.headers['x-internal-key']);
      response.end('{}');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const config = readConfig({ internalKey }, { INTERNAL_API_KEY: `${NEW},${OLD}` });
    const client = new GatewayClient(`http://127.0.0.1:${port}`, config.internalKey.current);
    await client.broadcast({ outboxId: 1, fact: 'f', type: 't', userId: 42, data: {}, correlationId: 'c' });
    server.closeAllConnections();
    server.close();
    expect(keys).to.deep.equal([NEW]);
  });
});
