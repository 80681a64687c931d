import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { type Link, startLink } from '../../rig/outage.ts';
import { rejection } from './support.ts';

describe('rig: a link that breaks', () => {
  const body = 'x'.repeat(10_000);
  let server: Server;
  let link: Link;
  let handled: number;

  beforeEach(async () => {
    handled = 0;
    server = createServer((_request, response) => {
      handled += 1;
      response.end(body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    link = await startLink((server.address() as AddressInfo).port);
  });
  afterEach(async () => {
    await link.close();
    server.closeAllConnections();
    server.close();
  });

  const get = async (timeoutMs = 5_000): Promise<string> => {
    const signal = AbortSignal.timeout(timeoutMs);
    return (
      await fetch(`http://127.0.0.1:${link.port}/`, { signal, headers: { connection: 'close' } })
    ).text();
  };

  it('passes everything while it is up', async () => {
    expect(await get()).to.equal(body);
  });

  it('refuses while it is down, and serves again afterwards', async () => {
    link.down();
    expect((await rejection(get)).message).to.equal('fetch failed');
    link.up();
    expect(await get()).to.equal(body);
  });

  it('answers nothing while it is silent, and loses nothing', async () => {
    link.silent();
    let answered = false;
    const answer = get().then((text) => {
      answered = true;
      return text;
    });
    expect((await rejection(() => get(200))).name).to.equal('TimeoutError');
    expect(answered).to.equal(false);
    link.up();
    expect(await answer).to.equal(body);
  });

  it('cuts an answer off in the middle', async () => {
    link.downAfterAnswering(2_000);
    expect((await rejection(get)).message).to.match(/terminated|fetch failed/);
    expect(handled).to.equal(1);
    expect(link.state).to.equal('down');
  });

  it('lets a request arrive whose answer never does', async () => {
    link.downAfterAnswering(0);
    expect((await rejection(get)).message).to.equal('fetch failed');
    expect(handled).to.equal(1);
  });
});
