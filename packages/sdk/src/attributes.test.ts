import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attributesText } from './attributes.ts';

test('whatever the attributes are, the text is a JSON object of bounded size', () => {
  const values = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    withUnicodeString: true,
  });
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), values), (attributes) => {
      const text = attributesText(attributes as never);
      expect(text.length).toBeLessThan(20_000);
      if (text === '') return;
      const parsed = JSON.parse(text) as Record<string, unknown>;
      expect(parsed).not.toHaveProperty('task');
      expect(Object.keys(parsed).length).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});

test('things that throw when they are looked at are named, not thrown', () => {
  const hostile = {
    get getter(): string {
      throw new Error('getter');
    },
    proxy: new Proxy(
      {},
      {
        get: () => {
          throw new Error('get');
        },
        getPrototypeOf: () => {
          throw new Error('proto');
        },
      },
    ),
    json: {
      toJSON() {
        throw new Error('json');
      },
    },
  };
  expect(JSON.parse(attributesText(hostile))).toMatchObject({
    getter: '[unreadable]',
    proxy: '[unreadable]',
  });
});

test('nothing to say is no text', () => {
  expect([undefined, {}, { a: undefined }].map((attributes) => attributesText(attributes))).toEqual([
    '',
    '',
    '',
  ]);
});

test('attributes that have no room after large ones are counted', () => {
  const large = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [`list ${i}`, new Array(60).fill(i)]),
  );
  const parsed = JSON.parse(attributesText(large)) as Record<string, unknown>;
  const { '…': more, ...kept } = parsed;
  expect(more).toBe(`${12 - Object.keys(kept).length} more`);
});

test('attributes that are called as what ttrace writes itself, with and without _ behind them, all stand', () => {
  expect(JSON.parse(attributesText({ task: 1, task_: 2, task__: 3, parent_: 4, own_: 5 }))).toEqual({
    task_: 1,
    task__: 2,
    task___: 3,
    parent__: 4,
    own_: 5,
  });
});
