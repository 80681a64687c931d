import { expect } from 'chai';
import { load } from 'js-yaml';
import { type Matcha, startMatcha } from '../../rig/matcha.ts';
import { buy, settled, WATCHED } from '../operations/support/purchase.ts';
import { type Sample, scrape } from '../operations/support/scrape.ts';
import { askedBy } from './promql.ts';
import { composeFile, read } from './support.ts';

type Rule = {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: Record<string, string>;
};
type Panel = { title: string; type: string; targets?: { expr: string; legendFormat: string }[] };

const { groups } = load(read('deploy/prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(read('deploy/grafana/dashboards/paiements.json')) as { panels: Panel[] };
const targets = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map((target) => ({ title, ...target })),
);

/** What Prometheus itself adds. */
const ADDED_LABELS = ['job', 'instance'];
const ADDED_METRICS = ['up'];

describe('deploy/', function () {
  this.timeout(120_000);
  let matcha: Matcha;
  /** Name to labels, of everything web and worker have told. */
  const exported = new Map<string, Set<string>>();
  let samples: Sample[] = [];

  before(async () => {
    matcha = await startMatcha({
      durability: 'fast',
      env: { ...WATCHED, RECONCILE_INTERVAL_SECONDS: '3600' },
    });
    const [web] = matcha.webs;
    const [worker] = matcha.workers;
    if (!web || !worker) throw new Error('Nothing was started');
    await buy(matcha);
    await settled(matcha);
    // What only a check would write.
    await matcha.query(
      `insert into maintenance_state (name, data, updated_at) values
         ('drift', '{"found": 1, "drifts": [{"cause": "foreign_write"}]}', now()),
         ('webhook-endpoint', '{"problems": [{"code": "disabled"}]}', now()),
         ('reconciled-until', '{}', now())
       on conflict (name) do update set data = excluded.data`,
    );
    const scrapes = [await scrape(web), await scrape(worker)];
    samples = scrapes.flatMap((each) => each.samples);
    for (const { name, labels } of samples) {
      const known = exported.get(name) ?? new Set(ADDED_LABELS);
      for (const label of Object.keys(labels)) known.add(label);
      exported.set(name, known);
    }
    for (const name of scrapes.flatMap((each) => [...each.names])) {
      if (!exported.has(name)) exported.set(name, new Set(ADDED_LABELS));
    }
    for (const name of ADDED_METRICS) exported.set(name, new Set(ADDED_LABELS));
  });
  after(() => matcha?.close());

  /** What an expression names that nobody exports. */
  function unknownIn(expression: string): string[] {
    const { metrics, grouping } = askedBy(expression);
    expect(metrics, expression).not.to.be.empty;
    const labels = new Set(metrics.flatMap(({ name }) => [...(exported.get(name) ?? [])]));
    return [
      ...metrics.filter(({ name }) => !exported.has(name)).map(({ name }) => name),
      ...metrics.flatMap(({ name, labels: asked }) =>
        asked.filter((label) => !exported.get(name)?.has(label)).map((label) => `${name}{${label}}`),
      ),
      ...grouping.filter((label) => !labels.has(label)).map((label) => `by (${label})`),
    ];
  }

  /** Labels that a template shows and its expression does not keep. */
  function lostIn(template: string, expression: string, pattern: RegExp): string[] {
    const { metrics, grouping } = askedBy(expression);
    const aggregated = /\b(?:sum|max|min|avg|count|histogram_quantile|absent)\b/.test(expression);
    const kept = aggregated ? grouping : metrics.flatMap(({ name }) => [...(exported.get(name) ?? [])]);
    return [...template.matchAll(pattern)]
      .map(([, label = '']) => label)
      .filter((label) => !kept.includes(label));
  }

  for (const rule of rules) {
    it(`alert ${rule.alert} asks for what web and worker tell`, () => {
      expect(unknownIn(rule.expr)).to.deep.equal([]);
      const text = Object.values(rule.annotations).join(' ');
      expect(lostIn(text, rule.expr, /\$labels\.(\w+)/g), 'labels in its text').to.deep.equal([]);
      expect(rule.labels.severity).to.match(/^(?:warning|critical)$/);
      expect(rule.annotations.summary).to.be.a('string');
    });
  }

  it('has a section in docs/operations.md for every alert, and none for others', () => {
    const [, section = ''] =
      /\n## What each alert means([\s\S]*?)(?=\n## |$)/.exec(read('docs/operations.md')) ?? [];
    const headings = [...section.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
    expect(headings).to.have.members(rules.map(({ alert }) => alert));
  });

  it('shows on the dashboard what web and worker tell', () => {
    expect(targets).not.to.be.empty;
    const unknown = targets.flatMap(({ title, expr, legendFormat }) => [
      ...unknownIn(expr).map((name) => `${title}: ${name}`),
      ...lostIn(legendFormat, expr, /\{\{(\w+)\}\}/g).map((label) => `${title}: legend ${label}`),
    ]);
    expect(unknown).to.deep.equal([]);
  });

  it('uses every metric of ours, on the dashboard or in an alert', () => {
    const used = new Set(
      [...targets, ...rules].flatMap(({ expr }) =>
        askedBy(expr).metrics.map(({ name }) => name.replace(/_(?:bucket|sum|count)$/, '')),
      ),
    );
    const ours = [...exported.keys()]
      .filter((name) => name.startsWith('paiements_'))
      .map((name) => name.replace(/_(?:bucket|sum|count)$/, ''));
    expect([...new Set(ours)].filter((name) => !used.has(name))).to.deep.equal([]);
  });

  it('puts nothing into labels that has no end of values', () => {
    const ids = /\b(?:evt|cus|sub|in|pi|ch|cs|price)_[A-Za-z0-9]{8,}|@|[0-9a-f]{8}-[0-9a-f]{4}/;
    const values = samples.flatMap(({ name, labels }) =>
      Object.entries(labels).map(([label, value]) => `${name}{${label}="${value}"}`),
    );
    expect(values.filter((value) => ids.test(value))).to.deep.equal([]);
  });

  it('lets Prometheus read what compose mounts, and ask the port that web and worker open', () => {
    const { services } = composeFile();
    const prometheus = load(read('deploy/prometheus/prometheus.yml')) as {
      rule_files: string[];
      scrape_configs: { job_name: string; dns_sd_configs: { names: string[]; port: number }[] }[];
    };
    expect(prometheus.rule_files).to.deep.equal(['alerts.yml']);
    for (const {
      job_name: job,
      dns_sd_configs: [found],
    } of prometheus.scrape_configs) {
      const [name = ''] = found?.names ?? [];
      expect(job).to.equal(`paiements-${name}`);
      expect(services[name]?.environment?.METRICS_PORT, name).to.equal(String(found?.port));
    }
    expect(services.prometheus?.volumes).to.include('./deploy/prometheus:/etc/prometheus:ro');
    expect(services.grafana?.volumes).to.include(
      './deploy/grafana/dashboards:/var/lib/grafana/dashboards:ro',
    );
    for (const name of ['prometheus', 'grafana']) {
      expect(services[name]).to.have.deep.property('profiles', ['monitoring']);
    }
  });
});
