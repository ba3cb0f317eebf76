/**
 * Durations on a logarithmic scale: five buckets a power of ten, as Go draws them. Bounds are whole nanoseconds and the same for all
 * histograms, and a duration is put where comparisons put it: the filter `min` ≤ duration < `max` of a bucket lets through exactly what the
 * bucket counts.
 */

/** From `min` on, up to but without `max`, in nanoseconds. */
export interface Bucket {
  readonly min: number;
  /** Undefined: without end. */
  readonly max: number | undefined;
  readonly count: number;
}

/** Buckets side by side, from the first that is not empty to the last. */
export type Histogram = readonly Bucket[];

const BUCKETS_A_DECADE = 5;
/** 10^15 ns are eleven days: what lasts longer shares a bucket. */
const DECADES = 15;

/** Lower bounds of all buckets: 0, 1, 2, 3, 4, 6, 10, 16, 25, 40, 63, 100, … */
const BOUNDS: readonly number[] = [
  0,
  ...Array.from({ length: BUCKETS_A_DECADE * DECADES + 1 }, (_, at) =>
    Math.round(10 ** (at / BUCKETS_A_DECADE)),
  ),
];

/**
 * Counts durations, sorted and none of them negative. Undefined where there are none.
 *
 * Takes the logarithm of their number a bucket: pages ask again with every look at a table of millions.
 */
export function histogramOf(durations: ArrayLike<number>): Histogram | undefined {
  if (durations.length === 0) return undefined;
  const begins = BOUNDS.map((bound) => countBelow(durations, bound));
  const countOf = (at: number): number => (begins[at + 1] ?? durations.length) - begins[at]!;
  const first = BOUNDS.findIndex((_, at) => countOf(at) > 0);
  const last = BOUNDS.findLastIndex((_, at) => countOf(at) > 0);
  return BOUNDS.slice(first, last + 1).map((min, at) => ({
    min,
    max: BOUNDS[first + at + 1],
    count: countOf(first + at),
  }));
}

/** Lower bounds of the buckets from one to another, both included: a scale on which several histograms can be laid side by side. */
export function bucketBounds(first: number, last: number): readonly number[] {
  return BOUNDS.filter((bound) => bound >= first && bound <= last);
}

/** How many of the durations are below a bound. */
function countBelow(durations: ArrayLike<number>, bound: number): number {
  let low = 0;
  let high = durations.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (durations[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
