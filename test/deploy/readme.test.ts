import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import Stripe from 'stripe';
import { ROOT } from '../../rig/process.ts';
import { handledTypes } from '../../src/workers/events/registry.ts';
import { read } from './support.ts';

const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

for (const path of [
  'README.md',
  'docs/joining-matcha.md',
  'docs/operations.md',
  'docs/scaling.md',
  'docs/security.md',
  'docs/upgrading.md',
]) {
  describe(path, () => {
    const text = read(path);

    it('links to files that exist', () => {
      const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target);
      for (const link of links.filter((target) => !/^https?:/.test(target))) {
        expect(existsSync(join(ROOT, dirname(path), link)), link).to.equal(true);
      }
    });

    it('names npm scripts that exist', () => {
      const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
      for (const name of named) expect(scripts).to.have.property(name);
    });

    it('names folders and files of the project that exist', () => {
      const named = [
        ...text.matchAll(/`((?:src|sandbox|rig|demo|migrations|scripts|test|docs|deploy)\/[\w./-]*)`/g),
      ];
      for (const [, name = ''] of named) expect(existsSync(join(ROOT, name)), name).to.equal(true);
    });
  });
}

describe('README.md', () => {
  it('lists exactly the event types that do something', () => {
    const [, list = ''] = /<!-- event types -->\s*```\w*\n([\s\S]*?)```/.exec(read('README.md')) ?? [];
    expect(list.split(/[\s,]+/).filter((word) => word !== '')).to.have.members(handledTypes());
  });

  it('names the API version that the SDK pins', () => {
    expect(read('README.md')).to.contain(Stripe.API_VERSION);
  });
});
