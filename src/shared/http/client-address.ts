import type { IncomingMessage } from 'node:http';
import { isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';

/**
 * Who sent a request, as an IP address.
 * @param trustedHops how many proxies before us append their peer to `X-Forwarded-For`, so that the client is that many
 *   entries from the right; what is further left, or there without a proxy, anybody could have written. Where there
 *   are fewer entries than such proxies the request came past one of them, and only its connection says who sent it.
 */
export function clientAddressOf(request: IncomingMessage, trustedHops: number): string {
  const peer = request.socket.remoteAddress ?? 'unknown';
  if (trustedHops === 0) return peer;
  const entries = String(request.headers['x-forwarded-for'] ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  const client = withoutPort(entries.at(-trustedHops) ?? '');
  return isIP(client) === 0 ? peer : client;
}

/** Some proxies write `203.0.113.1:5678`, `[2001:db8::1]` or `[2001:db8::1]:5678`. */
function withoutPort(entry: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\](?::\d{1,5})?|([^:]+):\d{1,5})$/.exec(entry) ?? [];
  return bracketed ?? plain ?? entry;
}

/** Whether the client's own connection is encrypted: ours never is, a proxy that we trust says so. */
export function isHttps(request: IncomingMessage, trustedHops: number): boolean {
  if (trustedHops === 0) return false;
  // Each proxy overwrites or appends; the first is the one that faces the client.
  const [first = ''] = String(request.headers['x-forwarded-proto'] ?? '').split(',');
  return first.trim().toLowerCase() === 'https';
}

/**
 * What a limit per address counts under. An IPv6 customer has a whole /64 and could use another address for every
 * request.
 */
export function addressKey(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
  if (isIPv4(plain)) return plain;
  if (!isIPv6(plain)) return 'unknown';
  return `${networkOf(plain)}::/64`;
}

/** The first four groups of an IPv6 address. */
function networkOf(address: string): string {
  // Normalised: lower case, compressed at one place at most.
  const { address: compressed } = new SocketAddress({ address: address.split('%')[0], family: 'ipv6' });
  const [head = '', tail] = compressed.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array.from({ length: Math.max(zeros, 0) }, () => '0'), ...right];
  return groups.slice(0, 4).join(':');
}
