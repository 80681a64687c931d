/** A host and its port. */
export type HostPort = { readonly host: string; readonly port: number };

type Login = { readonly username: string | undefined; readonly password: string | undefined };

/** What a Redis URL points to. */
export type RedisTarget = { readonly tls: boolean } & (
  | { readonly kind: 'server'; readonly url: string }
  | ({
      readonly kind: 'sentinel';
      readonly sentinels: readonly HostPort[];
      /** The name under which the sentinels know the master. */
      readonly name: string;
      readonly database: number;
    } & Login)
  | ({ readonly kind: 'cluster'; readonly nodes: readonly HostPort[] } & Login)
);

const GROUP_URL = /^redis(s?)\+(sentinel|cluster):\/\/(?:([^@/]*)@)?([^/?#@]+)(?:\/([^?#]*))?$/;
const SENTINEL_PORT = 26_379;
const REDIS_PORT = 6_379;

/**
 * Reads a Redis URL:
 * - `redis://user:password@host:6379/0`, one server;
 * - `redis+sentinel://user:password@host:26379,host:26379/name/0`, the master that sentinels name;
 * - `redis+cluster://user:password@host:6379,host:6379`, a Redis Cluster;
 *
 * each with `rediss` for TLS. User and password are those of the Redis servers.
 * @returns undefined when it is none of these
 */
export function parseRedisUrl(url: string): RedisTarget | undefined {
  if (/^rediss?:\/\//.test(url)) {
    const named = URL.canParse(url) && new URL(url).hostname !== '';
    return named ? { kind: 'server', url, tls: url.startsWith('rediss:') } : undefined;
  }
  const [, secure, kind, userInfo = '', hosts = '', path = ''] = GROUP_URL.exec(url) ?? [];
  const login = loginOf(userInfo);
  if (login === undefined) return undefined;
  const tls = secure === 's';
  if (kind === 'cluster') {
    const nodes = parseHosts(hosts, REDIS_PORT);
    // A cluster has database 0 and no other.
    return nodes && /^0?$/.test(path) ? { kind, nodes, tls, ...login } : undefined;
  }
  const sentinels = parseHosts(hosts, SENTINEL_PORT);
  const [, name = '', database = '0'] = /^([\w.-]+)(?:\/(\d{1,4}))?$/.exec(path) ?? [];
  if (kind !== 'sentinel' || sentinels === undefined || name === '') return undefined;
  return { kind, sentinels, name, database: Number(database), tls, ...login };
}

/** The same Redis, at database 0. */
export function atDatabase0(url: string): string {
  const target = parseRedisUrl(url);
  if (target?.kind === 'cluster') return url;
  if (target?.kind === 'sentinel') return url.replace(/^(.*:\/\/[^/]*\/[^/]*)\/\d+$/, '$1');
  const server = new URL(url);
  server.pathname = '';
  server.searchParams.delete('db');
  return server.href;
}

/** `host:port,host:port`, as far as every entry is one. */
export function parseHosts(text: string, defaultPort: number): HostPort[] | undefined {
  const entries = text.split(',').map((entry) => {
    const [, host, port = String(defaultPort)] =
      /^(\[[\da-f:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/i.exec(entry.trim()) ?? [];
    return { host: host?.replace(/^\[|\]$/g, '') ?? '', port: Number(port) };
  });
  const usable = entries.every(({ host, port }) => host !== '' && port >= 1 && port <= 65_535);
  return usable ? entries : undefined;
}

function loginOf(userInfo: string): Login | undefined {
  const separator = userInfo.indexOf(':');
  try {
    const user = decodeURIComponent(separator === -1 ? userInfo : userInfo.slice(0, separator));
    const password = separator === -1 ? '' : decodeURIComponent(userInfo.slice(separator + 1));
    return { username: user || undefined, password: password || undefined };
  } catch {
    // A stray % sign.
    return undefined;
  }
}
