/** Histograms: every duration is in exactly the bucket whose bounds, used as a filter, let it through. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { histogramOf } from './histogram.ts';

/** Of all magnitudes, with many on and beside the bounds. */
const duration = fc.oneof(
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 1000 }),
  fc
    .tuple(fc.integer({ min: 0, max: 75 }), fc.integer({ min: -1, max: 1 }))
    .map(([power, beside]) => Math.max(0, Math.round(10 ** (power / 5)) + beside)),
  fc.double({ min: 0, max: 1e16, noNaN: true }),
);

const sorted = fc.array(duration, { minLength: 1 }).map((each) => each.sort((a, b) => a - b));

describe('a histogram', () => {
  it('counts in each bucket exactly what its bounds let through, and all of it', () => {
    fc.assert(
      fc.property(sorted, (durations) => {
        const buckets = histogramOf(durations)!;
        for (const { min, max, count } of buckets) {
          const within = durations.filter((each) => each >= min && (max === undefined || each < max));
          expect(count).toBe(within.length);
        }
        expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(durations.length);
      }),
    );
  });

  it('has buckets side by side without gaps, the first and the last not empty, bounds that an address can carry', () => {
    fc.assert(
      fc.property(sorted, (durations) => {
        const buckets = histogramOf(durations)!;
        expect(buckets[0]!.count).toBeGreaterThan(0);
        expect(buckets.at(-1)!.count).toBeGreaterThan(0);
        for (const [at, { min, max }] of buckets.entries()) {
          expect(Number.isSafeInteger(min)).toBe(true);
          if (at > 0) expect(buckets[at - 1]!.max).toBe(min);
          if (max !== undefined) expect(max).toBeGreaterThan(min);
        }
      }),
    );
  });

  it('has five buckets a power of ten', () => {
    const mins = histogramOf([1000, 99_999])!.map(({ min }) => min);
    expect(mins).toEqual([1000, 1585, 2512, 3981, 6310, 10_000, 15_849, 25_119, 39_811, 63_096]);
  });

  it('is none where nothing was measured', () => {
    expect(histogramOf([])).toBeUndefined();
  });
});
