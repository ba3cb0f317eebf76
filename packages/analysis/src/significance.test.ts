import { expect, test } from 'vitest';
import { isSurelyLonger } from './significance.ts';

/** Numbers from 0 to 1 that are the same each time. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Durations as services have them: most are short, a few are long. */
function sample(next: () => number, length: number, factor = 1): Float64Array {
  return Float64Array.from({ length }, () => -Math.log(1 - next()) * factor).sort();
}

test.each([50, 95, 99])(
  'of samples of the same work one in twenty at most is surely longer, by percentile %i',
  (p) => {
    const next = numbers(p);
    for (const [before, after] of [
      [4, 4],
      [3, 9],
      [8, 8],
      [30, 30],
      [60, 20],
      [500, 500],
    ] as const) {
      let longer = 0;
      for (let i = 0; i < 2000; i++) {
        if (isSurelyLonger(sample(next, before), sample(next, after), p)) longer++;
      }
      // 100 of 2000, and three standard deviations more.
      expect([before, after, longer < 130]).toEqual([before, after, true]);
    }
  },
);

test('what became longer as a whole or at its end alone is found, by the percentile that tells it', () => {
  const next = numbers(1);
  let [wholly, ends] = [0, 0];
  for (let i = 0; i < 100; i++) {
    if (isSurelyLonger(sample(next, 100), sample(next, 100, 2), 95)) wholly++;
    const later = sample(next, 500);
    for (let k = 460; k < 500; k++) later[k]! *= 3;
    if (isSurelyLonger(sample(next, 500), later, 95)) ends++;
  }
  expect(wholly).toBeGreaterThan(95);
  expect(ends).toBeGreaterThan(95);
});

test('of what happened too rarely to be told from chance, twice as long is surely longer', () => {
  const of = (...durations: number[]): Float64Array => Float64Array.from(durations);
  expect(isSurelyLonger(of(10), of(19), 95)).toBe(false);
  expect(isSurelyLonger(of(10), of(20), 95)).toBe(true);
  expect(isSurelyLonger(of(8, 10), of(9, 14), 95)).toBe(false);
  expect(isSurelyLonger(of(10, 11, 12), of(13, 14, 15), 95)).toBe(false);
  expect(isSurelyLonger(of(10, 11, 12, 13), of(14, 15, 16, 17), 95)).toBe(true);
  expect(isSurelyLonger(of(), of(5), 95)).toBe(false);
});
