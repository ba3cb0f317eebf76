/** Times that people write. */
import { expect, test } from 'vitest';
import { parseTime } from './parse-time.ts';

test('a time is taken in seconds without a unit, and in s, ms, us, µs and ns', () => {
  const cases: [string, number][] = [
    ['1.25', 1_250_000_000],
    ['2s', 2_000_000_000],
    ['1.5ms', 1_500_000],
    ['20us', 20_000],
    ['20µs', 20_000],
    ['7ns', 7],
    ['.5', 500_000_000],
    ['0', 0],
    ['3e-3', 3_000_000],
    [' 4 ms ', 4_000_000],
  ];
  for (const [text, nanos] of cases) expect.soft(parseTime(text), text).toBe(nanos);
});

test('nothing else is taken for a time', () => {
  const bad = ['', ' ', '-1', 'abc', '1h', '1.2.3', '1e99', 'NaN', 'Infinity', '0x10', '1ms2'];
  for (const text of [...bad, '9007199254740993']) expect.soft(parseTime(text), text).toBeUndefined();
});
