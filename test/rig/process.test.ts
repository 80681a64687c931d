import { expect } from 'chai';
import { freePort } from '../../rig/ports.ts';
import { type ManagedProcess, type ProcessOptions, startProcess } from '../../rig/process.ts';
import { fails, reach, rejection } from './support.ts';

const script = 'test/rig/fixtures/server.ts';

describe('rig: processes', () => {
  let port: number;
  const started: ManagedProcess[] = [];

  beforeEach(async () => {
    port = await freePort();
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((each) => each.running && each.kill()));
  });

  async function start(mode: string, options: Partial<ProcessOptions> = {}): Promise<ManagedProcess> {
    const env = { PORT: String(port), MODE: mode };
    const ready = { url: `http://127.0.0.1:${port}/ready` };
    const managed = await startProcess({ name: 'server', script, env, ready, ...options });
    started.push(managed);
    return managed;
  }

  it('is ready when its URL answers', async () => {
    const server = await start('normal');
    expect(server.lines).to.include('listening');
    await reach(port);
  });

  it('is ready when it writes the line', async () => {
    await start('normal', { ready: { line: /^listening$/ } });
    await reach(port);
  });

  it('gets nothing of our own environment but the basics', async () => {
    process.env.STRIPE_SECRET_KEY = 'sk_test_of_a_developer';
    try {
      await start('normal');
      const answer = await (await fetch(`http://127.0.0.1:${port}/`)).json();
      expect(answer).to.deep.include({ stripe: null });
    } finally {
      delete process.env.STRIPE_SECRET_KEY;
    }
  });

  it('shows the last lines of a process that ends instead of getting ready', async () => {
    const error = await rejection(() => start('broken'));
    expect(error.message).to.match(/server ended with code 3[\s\S]*The flux capacitor is missing/);
  });

  it('says what the URL answered when it is not ready in time, and leaves no process', async () => {
    const error = await rejection(() => start('unready', { readyTimeoutMs: 700 }));
    expect(error.message).to.match(/was not ready after 700 ms: .*answered 503/);
    expect(await fails(() => reach(port))).to.equal(true);
  });

  it('kills a process that does not stop in time', async () => {
    const server = await start('stubborn');
    const exit = await server.stop(300);
    expect(exit).to.deep.equal({ code: null, signal: 'SIGKILL' });
    expect(server.lines).to.include('I would rather not');
  });

  it('starts again on the same port with other variables', async () => {
    const server = await start('normal');
    await server.restart({ MODE: 'other' });
    const answer = await (await fetch(`http://127.0.0.1:${port}/`)).json();
    expect(answer).to.deep.include({ mode: 'other' });
  });

  it('hangs while it is frozen, and can be stopped all the same', async () => {
    const server = await start('normal');
    server.freeze();
    const error = await rejection(() =>
      fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(200) }),
    );
    expect(error.name).to.equal('TimeoutError');
    expect(await server.stop()).to.deep.equal({ code: null, signal: 'SIGTERM' });
  });
});
