/** A network that an address is in, as a key to count under, and how many addresses' worth of calls it may make. */
export type Network = { readonly key: string; readonly share: number };

/**
 * The networks around a /64 of IPv6 that one customer of a provider may have: a household a /56, a company a /48, and
 * with it 256 or 65 536 networks to call from. An IPv4 address is the only one its customer has.
 * @param key as `addressKey` makes it
 */
export function networksAround(key: string): Network[] {
  const match = /^((?:[\da-f]{1,4}:){3})([\da-f]{1,4})::\/64$/.exec(key);
  if (!match) return [];
  const [, site = '', last = ''] = match;
  const household = (Number.parseInt(last, 16) >> 8).toString(16);
  return [
    { key: `${site}${household}00::/56`, share: 1 },
    { key: `${site}:/48`, share: 2 },
  ];
}
