/**
 * Whether durations became longer, or whether chance alone may have made them so: two recordings of the same work never give the same
 * figures. At most about one in twenty equal pairs of samples is called longer, but one in three and more of those that are too few for a test.
 */

/** Standard deviations that one in forty lies above: there are two tests. */
const ONE_SIDED = 1.96;
/** The same for the ends of two intervals that do not meet: each may be narrower then. */
const EACH_SIDE = ONE_SIDED / Math.SQRT2;
/** How much longer what happened too rarely to be told from chance must be. */
const FEW_FACTOR = 2;

/**
 * Whether a percentile of `after` is surely larger than that of `before`: because the durations as a whole are longer, by the test of Mann
 * and Whitney, or that part of them is, by the intervals in which the percentile lies. Of too few for any of both, twice as long is sure.
 *
 * @param before Sorted.
 * @param after Sorted.
 * @param p Percentile.
 */
export function isSurelyLonger(before: Float64Array, after: Float64Array, p: number): boolean {
  if (before.length === 0 || after.length === 0) return false;
  if (shiftOf(before.length, after.length, before.length * after.length) < ONE_SIDED) {
    return at(after, rank(after, p)) >= FEW_FACTOR * at(before, rank(before, p));
  }
  if (shiftOf(before.length, after.length, pairsLonger(before, after)) >= ONE_SIDED) return true;
  const [least, most] = [rank(after, p) - spread(after, p), rank(before, p) + spread(before, p)];
  // Where the interval has no end among the durations there is none to compare.
  return least >= 1 && most < before.length && at(after, least) > at(before, most);
}

/** Mann-Whitney's statistic in standard deviations from what equal samples have, ties aside. @param pairs in which the later one is longer. */
function shiftOf(before: number, after: number, pairs: number): number {
  const product = before * after;
  return (pairs - product / 2 - 0.5) / Math.sqrt((product * (before + after + 1)) / 12);
}

/** Pairs of one each in which the later one is longer; of equal ones a half. */
function pairsLonger(before: Float64Array, after: Float64Array): number {
  let pairs = 0;
  let [shorter, notLonger] = [0, 0];
  for (const duration of after) {
    while (shorter < before.length && before[shorter]! < duration) shorter++;
    while (notLonger < before.length && before[notLonger]! <= duration) notLonger++;
    pairs += (shorter + notLonger) / 2;
  }
  return pairs;
}

/** Nearest rank, from 1. */
function rank({ length }: Float64Array, p: number): number {
  return Math.max(1, Math.ceil((p / 100) * length));
}

/** Ranks by which chance may move a percentile. */
function spread({ length }: Float64Array, p: number): number {
  return Math.ceil(EACH_SIDE * Math.sqrt(length * (p / 100) * (1 - p / 100)));
}

function at(sorted: Float64Array, wanted: number): number {
  return sorted[wanted - 1]!;
}
