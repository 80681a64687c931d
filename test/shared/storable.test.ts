import { expect } from 'chai';
import { storableJson, storableText, storableValue } from '../../src/shared/storable.ts';

describe('What PostgreSQL cannot keep of a text', () => {
  const TEXTS: Readonly<Record<string, string>> = {
    'a\0b': 'a\\u0000b',
    '\ud800': '\\ud800',
    'x\udfff': 'x\\udfff',
    '\ud83d\ud83d\ude00': '\\ud83d\ud83d\ude00',
    '\ude00\ud83d': '\\ude00\\ud83d',
    '\ud83d\ude00 déjà': '\ud83d\ude00 déjà',
    '\\u0000': '\\u0000',
  };

  it('is spelled out, and nothing else is touched', () => {
    for (const [text, expected] of Object.entries(TEXTS)) {
      expect(storableText(text), JSON.stringify(text)).to.equal(expected);
    }
  });

  it('is spelled out in every text of a value and in the names of its fields', () => {
    const at = new Date(0);
    expect(storableValue({ 'k\0': ['\0', { deep: '\ud800', n: 1, at, no: null }] })).to.deep.equal({
      'k\\u0000': ['\\u0000', { deep: '\\ud800', n: 1, at, no: null }],
    });
  });

  it('is spelled out in JSON as in what the JSON says, whatever stands around it', () => {
    const pieces = ['\\', 'u', '0', '0000', '\0', '\ud83d', '\ude00', 'd83d', '"', 'é', '\n'];
    let seed = 1;
    const next = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    for (let round = 0; round < 20_000; round++) {
      const text = Array.from({ length: next(10) }, () => pieces[next(pieces.length)]).join('');
      const json = JSON.stringify({ [text]: [text] });
      expect(JSON.parse(storableJson(json)), json).to.deep.equal(storableValue({ [text]: [text] }));
    }
  });

  it('leaves JSON without it the very same text, and knows escapes in capitals', () => {
    const json = String.raw`{"a":"\\u0000 \u00e9 \uD83D\uDE00","b":1}`;
    expect(storableJson(json)).to.equal(json);
    expect(storableJson(String.raw`"\uD83D"`)).to.equal(String.raw`"\\ud83d"`);
  });
});
