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

/** Counts durations, none of them negative, in any order. Undefined where there are none. */
export function histogramOf(durations: ArrayLike<number>): Histogram | undefined {
  if (durations.length === 0) return undefined;
  const counts = new Float64Array(BOUNDS.length);
  for (let at = 0; at < durations.length; at++) counts[bucketOf(durations[at]!)]!++;
  const first = counts.findIndex((count) => count > 0);
  const last = counts.findLastIndex((count) => count > 0);
  return Array.from({ length: last - first + 1 }, (_, at) => ({
    min: BOUNDS[first + at]!,
    max: BOUNDS[first + at + 1],
    count: counts[first + at]!,
  }));
}

/** Lower bounds of the buckets from one to another, both included: a scale on which several histograms can be laid side by side. */
export function bucketBounds(first: number, last: number): readonly number[] {
  return BOUNDS.filter((bound) => bound >= first && bound <= last);
}

/** The last bucket that begins at or before a duration. */
function bucketOf(duration: number): number {
  let low = 0;
  let high = BOUNDS.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (BOUNDS[middle]! <= duration) low = middle;
    else high = middle;
  }
  return low;
}
