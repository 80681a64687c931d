import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { baseEnvironment } from '../../rig/base-environment.ts';
import { ROOT } from '../../rig/process.ts';
import { dockerfile, instruction, procfile, read } from './support.ts';

const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };

describe('Dockerfile', () => {
  it('copies what exists and what .dockerignore lets through', () => {
    const [everything, ...allowed] = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(everything).to.equal('*');
    const copies = dockerfile().filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from='));
    const sources = new Set(copies.flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1)));
    for (const source of sources) expect(existsSync(join(ROOT, source)), source).to.equal(true);
    expect(allowed).to.have.members([...sources].map((source) => `!${source}`));
  });

  it('takes stages and files only from stages before', () => {
    const seen = new Set<string>();
    for (const { stage, name, rest } of dockerfile()) {
      const [, from] = (name === 'COPY' && /--from=(\S+)/.exec(rest)) || [];
      if (from) expect(seen, rest).to.include(from);
      if (name === 'FROM') seen.add(stage);
    }
    expect(seen).to.include('development').and.to.include('production');
  });

  it('brings the Node that package.json asks for', () => {
    const [, major] = /^FROM node:(\d+)/m.exec(read('Dockerfile')) ?? [];
    expect(engines.node).to.equal(`>=${major}.0.0`);
  });

  it('installs only what runs into the production image, and lets npm run nothing', () => {
    expect(instruction('production-dependencies', 'RUN')).to.match(/npm ci --omit=dev --ignore-scripts$/);
    const commands = dockerfile().filter(({ stage, name }) => stage === 'production' && name === 'RUN');
    expect(commands).to.deep.equal([]);
  });

  it('runs production as a numbered user that is not root', () => {
    expect(instruction('production', 'USER')).to.match(/^[1-9]\d*:[1-9]\d*$/);
    expect(instruction('production', 'ENV')).to.equal('NODE_ENV=production');
    expect(instruction('production', 'STOPSIGNAL')).to.equal('SIGTERM');
  });

  it('runs the web process without a shell between it and its signals', () => {
    expect(JSON.parse(instruction('production', 'CMD'))).to.deep.equal(procfile().web?.split(' '));
    expect(JSON.parse(instruction('development', 'CMD')))
      .to.include('--watch')
      .and.to.include('src/api/main.ts');
  });

  it('calls web healthy when /health/live answers, and only then', async () => {
    let status = 200;
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url);
      response.writeHead(status).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await healthcheck(port)).to.equal(0);
    status = 503;
    expect(await healthcheck(port)).to.equal(1);
    server.close();
    await once(server, 'close');
    expect(await healthcheck(port)).to.equal(1);
    expect(asked).to.deep.equal(['/health/live', '/health/live']);
  });
});

/** Runs the image's health check as Docker would. @returns its exit code */
async function healthcheck(port: number): Promise<number | null> {
  const words: unknown = JSON.parse(instruction('production', 'HEALTHCHECK').replace(/^.*? CMD /, ''));
  const [command, ...args] = words as string[];
  expect(command).to.equal('node');
  const child = spawn(process.execPath, args, {
    env: { ...baseEnvironment(), PAIEMENTS_SERVICE_PORT: String(port) },
    stdio: 'ignore',
  });
  const [code] = await once(child, 'exit');
  return code as number | null;
}
