import { expect } from 'chai';
import { pino } from 'pino';
import { startProcess } from '../../rig/process.ts';
import { ShutdownStack } from '../../src/shared/shutdown.ts';

describe('shutdown stack', () => {
  let log: string[];
  let stack: ShutdownStack;

  beforeEach(() => {
    log = [];
    stack = new ShutdownStack(pino({ level: 'error' }, { write: (line: string) => void log.push(line) }));
  });

  it('closes what was opened last first, one after the other', async () => {
    const order: string[] = [];
    for (const name of ['database', 'queue', 'server']) {
      stack.push(name, async () => {
        order.push(`${name} begins`);
        await new Promise(setImmediate);
        order.push(`${name} ends`);
      });
    }
    await stack.close();
    expect(order).to.deep.equal([
      'server begins',
      'server ends',
      'queue begins',
      'queue ends',
      'database begins',
      'database ends',
    ]);
  });

  it('goes on after a failure and says what could not be closed', async () => {
    const closed: string[] = [];
    stack.push('database', () => closed.push('database'));
    stack.push('queue', () => Promise.reject(new Error('refused')));
    stack.push('cache', () => {
      throw 'a thrown string';
    });
    stack.push('server', () => closed.push('server'));
    await stack.close();
    expect(closed).to.deep.equal(['server', 'database']);
    expect(log).to.have.lengthOf(2);
    expect(log[0]).to.include('Could not close cache').and.include('a thrown string');
    expect(log[1]).to.include('Could not close queue').and.include('refused');
  });

  it('closes once, and a second caller waits for the first run', async () => {
    let runs = 0;
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    stack.push('server', async () => {
      runs += 1;
      await gate;
    });
    let secondDone = false;
    const first = stack.close();
    const second = stack.close().then(() => {
      secondDone = true;
    });
    await new Promise(setImmediate);
    expect(secondDone).to.equal(false);
    release();
    await Promise.all([first, second]);
    await stack.close();
    expect(runs).to.equal(1);
  });

  it('also closes what is opened while it closes', async () => {
    const closed: string[] = [];
    stack.push('server', () => stack.push('late', () => closed.push('late')));
    await stack.close();
    expect(closed).to.deep.equal(['late']);
  });
});

describe('a process that is told to stop', () => {
  const script = 'test/shared/fixtures/stoppable.ts';

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`closes what it opened and exits 0 on ${signal}`, async () => {
      const child = await startProcess({ name: 'stoppable', script, env: {}, ready: { line: /ready/ } });
      process.kill(child.pid, signal);
      expect(await child.exited).to.deep.equal({ code: 0, signal: null });
      const said = child.lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line).msg);
      // In any order: pino writes behind, and what is in hand at exit is flushed past it.
      expect(said).to.have.members(['ready', `Stopping on ${signal}`, 'closed', 'Stopped']);
    });
  }

  it('exits 1 when closing takes too long', async () => {
    const env = { HANG: 'true' };
    const child = await startProcess({ name: 'stoppable', script, env, ready: { line: /ready/ } });
    process.kill(child.pid, 'SIGTERM');
    expect(await child.exited).to.deep.equal({ code: 1, signal: null });
    expect(child.lines.join('\n')).to.include('Did not stop within 200 ms');
  });
});
