import { expect } from 'chai';
import { optionsFromEnvironment } from '../../sandbox/index.ts';
import { readWebConfig } from '../../src/api/index.ts';
import { readGatewayConfig } from '../../src/gateway/config.ts';
import { readWorkerConfig } from '../../src/workers/config.ts';
import { configuredVariables, envExample, read, sourcesBelow } from './support.ts';

describe('.env.example', () => {
  it('has every variable that a process reads, and no other', async () => {
    const known = [...(await configuredVariables())];
    const listed = Object.keys(envExample());
    expect(without(known, listed), 'read and not listed').to.deep.equal([]);
    expect(without(listed, known), 'listed and not read').to.deep.equal([]);
  });

  it('lets every process start as it is', () => {
    const environment = envExample();
    expect(readWebConfig(environment).listening.port).to.equal(8085);
    expect(readWorkerConfig(environment).gateway?.url).to.equal('http://gateway:8080');
    expect(readGatewayConfig(environment).listening.port).to.equal(8080);
    expect(optionsFromEnvironment(environment).port).to.equal(12_111);
  });

  it('signs the sandbox’s events with a secret that web accepts', () => {
    const { webhook } = readWebConfig(envExample());
    expect(webhook.secrets).to.include(envExample().SANDBOX_WEBHOOK_SECRET);
  });

  it('says on the line before each group of variables what it is for', () => {
    const lines = read('.env.example').trim().split('\n');
    for (const [index, line] of lines.entries()) {
      if (line === '' || line.startsWith('#')) continue;
      expect(lines[index - 1], `the line before ${line}`).to.match(/^(#|[A-Z])/);
    }
  });

  it('holds no key that could be real', () => {
    expect(read('.env.example')).not.to.match(
      /(sk|rk)_live_|(sk|rk)_test_[A-Za-z0-9]{16}|whsec_[A-Za-z0-9]{20}/,
    );
  });
});

describe('The environment', () => {
  it('has no variable that only some code beside the configuration knows', async () => {
    const known = await configuredVariables();
    for (const file of [...(await sourcesBelow('src')), ...(await sourcesBelow('sandbox'))]) {
      for (const [, name] of read(file).matchAll(/process\.env(?:\.|\[')([A-Z_]+)/g)) {
        expect(known, file).to.include(name);
      }
    }
  });

  it('is explained in the README, variable by variable', async () => {
    const rows = [...read('README.md').matchAll(/^\|(.*?)\|/gm)].map(([, cell = '']) => cell);
    const explained = rows.flatMap((cell) =>
      [...cell.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name]) => name),
    );
    expect(without([...(await configuredVariables())], explained), 'not explained').to.deep.equal([]);
  });
});

function without(names: readonly string[], others: readonly (string | undefined)[]): string[] {
  return names.filter((name) => !others.includes(name));
}
