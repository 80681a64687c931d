import { BlockList, isIPv6 } from 'node:net';

type Labels = Record<string, string>;
type Selector = {
  matchLabels?: Labels;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
};
type Peer = {
  podSelector?: Selector;
  namespaceSelector?: Selector;
  ipBlock?: { cidr: string; except?: string[] };
};
type Rule = { from?: Peer[]; to?: Peer[]; ports?: { protocol: string; port: number | string }[] };

export type NetworkPolicy = {
  kind: string;
  metadata: { name: string };
  spec: { podSelector: Selector; policyTypes: string[]; ingress?: Rule[]; egress?: Rule[] };
};

/** A pod, ours or another's. */
export type Pod = { namespace: string; labels: Labels; ports?: { name: string; containerPort: number }[] };

/** One end of a connection: a pod, or an address outside the cluster. */
export type End = Pod | string;

/** Decides as a network that enforces policies does: each direction for itself, and what no policy allows is denied. */
export class Network {
  readonly #policies: readonly NetworkPolicy[];
  readonly #namespace: string;

  /** @param namespace where the policies are */
  constructor(policies: readonly NetworkPolicy[], namespace: string) {
    this.#policies = policies;
    this.#namespace = namespace;
  }

  /** Whether a connection is let out of the one and into the other. */
  allows(from: End, to: End, port: number, protocol = 'TCP'): boolean {
    return (
      this.#passes('Egress', from, to, port, protocol, to) &&
      this.#passes('Ingress', to, from, port, protocol, to)
    );
  }

  /** Policies that select a pod. */
  selecting(pod: Pod): NetworkPolicy[] {
    return pod.namespace === this.#namespace
      ? this.#policies.filter(({ spec }) => matches(spec.podSelector, pod.labels))
      : [];
  }

  #passes(
    direction: 'Ingress' | 'Egress',
    of: End,
    other: End,
    port: number,
    protocol: string,
    to: End,
  ): boolean {
    if (typeof of === 'string') return true;
    const policies = this.selecting(of).filter(({ spec }) => spec.policyTypes.includes(direction));
    if (policies.length === 0) return true;
    const rules = policies.flatMap(
      ({ spec }) => (direction === 'Ingress' ? spec.ingress : spec.egress) ?? [],
    );
    return rules.some(
      (rule) =>
        (rule.from ?? rule.to ?? []).some((peer) => this.#isPeer(peer, other)) &&
        (rule.ports ?? []).some((each) => each.protocol === protocol && portOf(each.port, to) === port),
    );
  }

  #isPeer({ podSelector, namespaceSelector, ipBlock }: Peer, end: End): boolean {
    if (typeof end === 'string') return ipBlock !== undefined && isInBlock(ipBlock, end);
    if (ipBlock !== undefined) return false;
    const inNamespace =
      namespaceSelector === undefined
        ? end.namespace === this.#namespace
        : matches(namespaceSelector, { 'kubernetes.io/metadata.name': end.namespace });
    return inNamespace && matches(podSelector ?? {}, end.labels);
  }
}

function matches({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const isAmong = values.includes(labels[key] ?? '');
      if (operator === 'In') return isAmong;
      if (operator === 'NotIn') return !isAmong;
      throw new Error(`${operator} is not read here`);
    })
  );
}

/** A name is a port of the pod that is spoken to. */
function portOf(port: number | string, to: End): number | undefined {
  if (typeof port === 'number') return port;
  return typeof to === 'string' ? undefined : to.ports?.find(({ name }) => name === port)?.containerPort;
}

function isInBlock({ cidr, except = [] }: { cidr: string; except?: string[] }, address: string): boolean {
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  const isIn = (block: string): boolean => {
    const [network = '', bits] = block.split('/');
    if (isIPv6(network) !== (family === 'ipv6')) return false;
    const list = new BlockList();
    list.addSubnet(network, Number(bits), family);
    return list.check(address, family);
  };
  return isIn(cidr) && !except.some(isIn);
}
