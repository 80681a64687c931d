/** `npm run demo`: the whole installation on this machine, on free ports, gone without a trace when it ends. */
import { parseArgs } from 'node:util';
import { onInterrupt } from '../rig/interrupt.ts';
import { readable } from '../rig/log-line.ts';
import { type Matcha, startMatcha } from '../rig/matcha.ts';
import { local } from '../rig/matcha-environment.ts';
import { Pile } from '../rig/pile.ts';
import { freePort } from '../rig/ports.ts';
import { toError } from '../src/shared/errors.ts';
import { failureReport } from './failure.ts';
import { startFront } from './front/server.ts';
import { hints } from './hints.ts';
import { buyOnce } from './once.ts';
import { Steps } from './step.ts';

const USAGE = `npm run demo                 starts everything and prints the address of the page
npm run demo -- --once       goes through one purchase by itself, without a browser, and ends
npm run demo -- --port 4000  serves the page on this port instead of any free one
npm run demo -- --logs       also prints what the processes write

REDIS_URL makes it use that Redis, under key names of its own, instead of starting one.`;

const { values } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    logs: { type: 'boolean', default: false },
    port: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const steps = new Steps();
const pile = new Pile();
onInterrupt((reason) => {
  console.log(`\nStopping (${reason}) …`);
  return pile.close();
});

let matcha: Matcha | undefined;
try {
  matcha = await startEverything();
  if (values.once) {
    await buyOnce(matcha, pile, steps);
    await steps.run('everything stopped', () => pile.close());
    process.exit(0);
  }
  console.log(hints(matcha));
} catch (thrown) {
  console.error(failureReport(toError(thrown), matcha));
  await pile.close();
  process.exit(1);
}

async function startEverything(): Promise<Matcha> {
  const port = await frontPort();
  const started = await startMatcha(
    {
      origin: local(port),
      redisUrl: process.env.REDIS_URL || undefined,
      onStep: (step, ms) => steps.done(step, ms),
    },
    pile,
  );
  if (values.logs) {
    for (const each of started.processes)
      each.onLine((line) => console.log(`[${each.name}] ${readable(line)}`));
  }
  await steps.run('page', async () => pile.add(await startFront(port, frontDeps(started))));
  return started;
}

async function frontPort(): Promise<number> {
  if (values.port === undefined) return freePort();
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`--port ${values.port} is no port`);
  return port;
}

function frontDeps(started: Matcha) {
  return {
    gatewayUrl: started.urls.gateway,
    sandboxUrl: started.urls.sandbox,
    secrets: started.secrets,
    origin: started.origin,
    query: (text: string, parameters?: readonly unknown[]) => started.query(text, parameters),
  };
}
