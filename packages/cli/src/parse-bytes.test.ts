/** Sizes that people write. */
import { expect, test } from 'vitest';
import { parseBytes } from './parse-bytes.ts';

test('sizes in bytes, decimal and binary units', () => {
  const cases: [string, number][] = [
    ['4096', 4096],
    ['100MB', 100_000_000],
    ['100mb', 100_000_000],
    ['64MiB', 64 << 20],
    ['1.5 GB', 1_500_000_000],
    ['2k', 2000],
    ['3 b', 3],
    ['1GiB', 2 ** 30],
  ];
  for (const [text, bytes] of cases) expect.soft(parseBytes(text), text).toBe(bytes);
});

test('nothing else is taken for a size', () => {
  for (const text of ['', 'MB', '-1', '1e9', '1 TB', '1i', '5 M B', '1.MB', '9007199254740993']) {
    expect.soft(parseBytes(text), text).toBeUndefined();
  }
});
