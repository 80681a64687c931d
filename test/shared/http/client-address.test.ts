import type { IncomingMessage } from 'node:http';
import { expect } from 'chai';
import { addressKey, clientAddressOf, isHttps } from '../../../src/shared/http/client-address.ts';

function request(headers: Record<string, string>): IncomingMessage {
  return { headers, socket: { remoteAddress: '10.0.0.9' } } as unknown as IncomingMessage;
}

describe('A client’s address', () => {
  for (const [hops, header, address] of [
    [0, undefined, '10.0.0.9'],
    [0, '203.0.113.1', '10.0.0.9'],
    [1, undefined, '10.0.0.9'],
    [1, '203.0.113.1', '203.0.113.1'],
    [1, 'made up, 203.0.113.1', '203.0.113.1'],
    [2, 'made up, 203.0.113.1, 10.0.0.2', '203.0.113.1'],
    [2, '203.0.113.1', '10.0.0.9'],
    [3, '203.0.113.1, 10.0.0.2', '10.0.0.9'],
    [2, ' , ', '10.0.0.9'],
    [1, '203.0.113.1:5678', '203.0.113.1'],
    [2, '203.0.113.1:5678, 10.0.0.2:80', '203.0.113.1'],
    [1, '2001:db8::1', '2001:db8::1'],
    [1, '[2001:db8::1]', '2001:db8::1'],
    [1, '[2001:db8::1]:5678', '2001:db8::1'],
    [1, '[::ffff:203.0.113.1]:5678', '::ffff:203.0.113.1'],
    [1, '203.0.113.1, unknown', '10.0.0.9'],
    [1, '203.0.113.1, _hidden:80', '10.0.0.9'],
    [1, '203.0.113.1:', '10.0.0.9'],
    [1, '203.0.113.1, 203.0.113.2:123456', '10.0.0.9'],
  ] as const) {
    it(`is ${address} behind ${hops} trusted proxies with X-Forwarded-For: ${header ?? 'nothing'}`, () => {
      const headers: Record<string, string> = header === undefined ? {} : { 'x-forwarded-for': header };
      expect(clientAddressOf(request(headers), hops)).to.equal(address);
    });
  }

  for (const [address, key] of [
    ['203.0.113.1', '203.0.113.1'],
    ['::ffff:203.0.113.1', '203.0.113.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:DB8:0:0:ffff:1:2:3', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['made up', 'unknown'],
    ['', 'unknown'],
  ] as const) {
    it(`${address || 'nothing'} counts as ${key}`, () => expect(addressKey(address)).to.equal(key));
  }

  it('is reached over https only when a trusted proxy says so', () => {
    expect(isHttps(request({ 'x-forwarded-proto': 'https' }), 0)).to.equal(false);
    expect(isHttps(request({ 'x-forwarded-proto': 'https' }), 1)).to.equal(true);
    expect(isHttps(request({ 'x-forwarded-proto': 'http' }), 1)).to.equal(false);
    expect(isHttps(request({}), 1)).to.equal(false);
  });
});
