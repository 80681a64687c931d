import { createSandbox, optionsFromEnvironment } from './index.ts';

const sandbox = await createSandbox(optionsFromEnvironment(process.env));
console.log(`sandbox listening on http://${sandbox.host}:${sandbox.port}`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void sandbox.close().then(() => process.exit(0));
  });
}
