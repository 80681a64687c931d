import { NEWEST_VERSION } from '../../sandbox/index.ts';
import { House } from './support/house.ts';
import { LIFECYCLES } from './support/lifecycles.ts';
import { VERSIONS } from './support/recorder.ts';
import { expect } from 'chai';

describe('explore', function () {
  this.timeout(600_000);
  for (const lifecycle of LIFECYCLES) {
    it(lifecycle.name, async () => {
      const house = await House.open(lifecycle);
      try {
        const t0 = performance.now();
        const events = await house.live(lifecycle, async (fresh) => {
          for (const event of fresh) await house.deliver([{ event, version: NEWEST_VERSION, by: 'http' }]);
        });
        const live = await house.outcome();
        const t1 = performance.now();
        const problems: string[] = [];
        for (const version of VERSIONS) {
          await house.freshRows();
          for (const event of events) await house.deliver([{ event, version, by: 'http' }]);
          const late = await house.outcome();
          console.log(version, 'late facts', JSON.stringify(late.facts.filter((f) => !live.facts.includes(f))), 'missing', JSON.stringify(live.facts.filter((f) => !late.facts.includes(f))));
          try { expect(late.state).to.deep.equal(live.state); } catch (e) { problems.push(version); console.log(String(diff(live.state, late.state)));  }
        }
        console.log(lifecycle.name, events.length, 'events', Math.round(t1 - t0), 'ms live', Math.round((performance.now() - t1)/4), 'ms late');
        console.log(live.facts.join(' | '));
        if (live.state.open.length) console.log(live.state.open);
        expect(problems).to.deep.equal([]);
      } finally { await house.close(); }
    });
  }
});
function diff(a: any, b: any, path = ''): string {
  if (JSON.stringify(a) === JSON.stringify(b)) return '';
  if (a && b && typeof a === 'object' && typeof b === 'object')
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].map((k) => diff(a[k], b[k], `${path}.${k}`)).filter(Boolean).join('\n');
  return `${path}: live ${JSON.stringify(a)} late ${JSON.stringify(b)}`;
}
