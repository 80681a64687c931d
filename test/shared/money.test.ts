import { expect } from 'chai';
import fc from 'fast-check';
import { currencyExponent, toMajorUnits } from '../../src/shared/money.ts';

describe('money', () => {
  const exponents: Readonly<Record<string, 0 | 2 | 3>> = {
    jpy: 0,
    JPY: 0,
    krw: 0,
    xof: 0,
    eur: 2,
    EUR: 2,
    usd: 2,
    huf: 2,
    twd: 2,
    // No decimals in the shop, two in Stripe's API.
    isk: 2,
    ugx: 2,
    kwd: 3,
    bhd: 3,
    tnd: 3,
  };
  for (const [currency, exponent] of Object.entries(exponents)) {
    it(`knows that ${currency} has ${exponent} decimals at Stripe`, () => {
      expect(currencyExponent(currency)).to.equal(exponent);
    });
  }

  const amounts: readonly (readonly [minor: number, currency: string, major: number])[] = [
    [999, 'eur', 9.99],
    [0, 'eur', 0],
    [-500, 'eur', -5],
    [1, 'eur', 0.01],
    [500, 'jpy', 500],
    [1234, 'kwd', 1.234],
    [500, 'isk', 5],
    [500, 'ugx', 5],
    [129_900, 'huf', 1299],
    [1005, 'eur', 10.05],
    [99_999_999, 'eur', 999_999.99],
  ];
  for (const [minor, currency, major] of amounts) {
    it(`reads ${minor} minor units of ${currency} as ${major}`, () => {
      expect(toMajorUnits(minor, currency)).to.equal(major);
    });
  }

  it('never shows a rounding error of floating point', () => {
    fc.assert(
      fc.property(fc.integer({ min: -99_999_999, max: 99_999_999 }), (minor) => {
        for (const [currency, decimals] of [
          ['jpy', 0],
          ['eur', 2],
          ['kwd', 3],
        ] as const) {
          const text = String(toMajorUnits(minor, currency));
          expect(text).to.match(new RegExp(`^-?\\d+(\\.\\d{1,${Math.max(decimals, 1)}})?$`));
          expect(Math.round(Number(text) * 10 ** decimals)).to.equal(minor === 0 ? 0 : minor);
        }
      }),
    );
  });
});
