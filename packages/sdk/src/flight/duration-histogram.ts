/**
 * The distribution of durations in 3 KB, however many they are: sixteen buckets for each power of two, so that a quantile is at
 * most 6 % too high. Older durations fade: when there are many, all counts are halved.
 */

const BUCKETS_LOG2 = 4;
/** Shorter ones are all the same: a microsecond. */
const LEAST_LOG2 = 10;
const BUCKETS = (53 - LEAST_LOG2) << BUCKETS_LOG2;
const FADE_COUNT = 20_000;

export class DurationHistogram {
  /** How many durations it stands on. */
  count = 0;
  readonly #counts = new Uint32Array(BUCKETS);

  /** @param nanos longer than 0. */
  add(nanos: number): void {
    const exponent = Math.max(LEAST_LOG2, Math.floor(Math.log2(Math.max(1, nanos))));
    const fraction = Math.max(0, nanos / 2 ** exponent - 1);
    const bucket = ((exponent - LEAST_LOG2) << BUCKETS_LOG2) + Math.floor(fraction * (1 << BUCKETS_LOG2));
    this.#counts[Math.min(bucket, BUCKETS - 1)]!++;
    if (++this.count >= FADE_COUNT) this.#fade();
  }

  /** The least duration, rounded up to its bucket's end, that so large a share is not longer than; 0 when there is none. */
  quantile(share: number): number {
    let left = share * this.count;
    if (this.count === 0) return 0;
    let bucket = 0;
    for (; bucket < BUCKETS - 1; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0) break;
    }
    const next = bucket + 1;
    const exponent = (next >> BUCKETS_LOG2) + LEAST_LOG2;
    return 2 ** exponent * (1 + (next % (1 << BUCKETS_LOG2)) / (1 << BUCKETS_LOG2));
  }

  #fade(): void {
    this.count = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.#counts[bucket]! >>>= 1;
      this.count += this.#counts[bucket]!;
    }
  }
}
