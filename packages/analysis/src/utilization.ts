/**
 * The utilisation curve: for each length of a window, the smallest part of any window that long in which event loops could run other
 * callbacks. Go's minimum mutator utilisation, of event loops. Where it leaves 0 is the longest stop; how fast it climbs tells whether stops
 * come alone or in rows.
 *
 * - The minimum is exact: no window is worse, wherever it begins.
 * - Percentiles are over all places where a window may begin, of which 16,384 at equal distances d are looked at. For windows longer than d
 *   each is within d / 2 / window of the exact one. For shorter ones they are a sample, of which 0.03 % of all places is the standard error at
 *   p99.9, and 0.2 % at p95. They are rounded down to a 16,384th, never below the minimum.
 */
import {
  type Availability,
  areaAt,
  availabilityIn,
  availabilityOf,
  DEFAULT_STOPS,
  type Stop,
  stepAt,
} from './availability.ts';
import { type Filter, isThreadWanted, keptIfWhole, stretchOf } from './filter.ts';
import { withTimeline } from './thread-states.ts';
import type { Thread, TraceIndex } from './trace-index.ts';
import { worstWindow } from './worst-windows.ts';

/** All windows of one length. Parts of one. */
export interface UtilizationPoint {
  readonly windowNanos: number;
  readonly minimum: number;
  /** So much at least have 99.9 %, 99 % and 95 % of all windows. */
  readonly p999: number;
  readonly p99: number;
  readonly p95: number;
  /** Where a window with the minimum begins, in nanoseconds since the first event. */
  readonly worstStart: number;
}

/** What the curve and its windows are about: one thread, or the mean of several. */
export interface Utilization {
  readonly threads: readonly Thread[];
  readonly stops: readonly Stop[];
  readonly availability: Availability;
  /** From the first moment of the first thread to the last of the last; 0 for nothing. */
  readonly duration: number;
}

/** Utilisation of the threads that a filter wants, from and to the moments that it names. Its other parts do not count. */
export function utilizationOf(
  index: TraceIndex,
  filter: Filter = {},
  stops: readonly Stop[] = DEFAULT_STOPS,
): Utilization {
  return stops === DEFAULT_STOPS
    ? keptIfWhole(index, filter, usualUtilization)
    : findUtilization(index, filter, stops);
}

function usualUtilization(index: TraceIndex, filter: Filter = {}): Utilization {
  return findUtilization(index, filter, DEFAULT_STOPS);
}

function findUtilization(index: TraceIndex, filter: Filter, stops: readonly Stop[]): Utilization {
  const { start, end } = stretchOf(index, filter);
  const threads = index.threads.filter(
    (thread) => isThreadWanted(filter, thread) && Math.min(end, thread.end) > Math.max(start, thread.start),
  );
  const availability = availabilityOf(
    threads.map((thread) =>
      withTimeline(
        index,
        thread,
        (timeline) => availabilityIn(timeline, stops, start, end),
        !stops.includes('running'),
      ),
    ),
  );
  const { times, length } = availability;
  return { threads, stops, availability, duration: length === 0 ? 0 : times[length]! - times[0]! };
}

/** Points of a curve, ten a decade, and shortest window, unless asked otherwise. */
const POINTS = 61;
const SHORTEST_NANOS = 1000;
/** Six orders of magnitude. */
const DECADES = 1e6;

/** Window lengths at equal distances on a log scale: over six decades or from 1 µs on, up to the whole duration. Whole nanoseconds. */
export function windowLengths(duration: number, points: number = POINTS): number[] {
  const shortest = Math.min(duration, Math.max(SHORTEST_NANOS, duration / DECADES));
  if (!(duration >= 1)) return [];
  const lengths = new Set<number>();
  for (let i = 0; i < points; i++) {
    const length = Math.round(shortest * (duration / shortest) ** (i / (points - 1)));
    lengths.add(Math.min(Math.max(1, length), Math.floor(duration)));
  }
  return [...lengths];
}

/** The shortest round window in a table of traces that are much longer than it. */
const ROUND_FROM = 1e6;

/** Round window lengths, 1, 2, 5, 10 ms and so on; in short traces from 1 µs on. The last is the whole duration. */
export function roundWindowLengths(duration: number): number[] {
  if (!(duration >= 1)) return [];
  const lengths: number[] = [];
  for (
    let decade = duration >= 20 * ROUND_FROM ? ROUND_FROM : SHORTEST_NANOS;
    decade < duration;
    decade *= 10
  ) {
    for (const step of [1, 2, 5]) if (step * decade < duration) lengths.push(step * decade);
  }
  return [...lengths, Math.floor(duration)];
}

/** The curve at these window lengths; those that are longer than all of the time are left out. Of 61 lengths in a million steps: 1 s. */
export function utilizationCurve(
  index: TraceIndex,
  { availability, duration }: Utilization,
  lengths: readonly number[] = windowLengths(duration),
): UtilizationPoint[] {
  const points: UtilizationPoint[] = [];
  let guess: number | undefined;
  for (const windowNanos of lengths) {
    const worst = worstWindow(availability, windowNanos, guess);
    if (worst === undefined) continue;
    guess = worst.start;
    const [p999, p99, p95] = lowQuantiles(availability, windowNanos, [0.001, 0.01, 0.05]);
    points.push({
      windowNanos,
      minimum: worst.utilization,
      p999: Math.max(worst.utilization, p999!),
      p99: Math.max(worst.utilization, p99!),
      p95: Math.max(worst.utilization, p95!),
      worstStart: worst.start - index.start,
    });
  }
  return points;
}

const PLACES = 1 << 14;
const BUCKETS = 1 << 14;

/** For each share the utilisation that so many of all windows do not exceed. */
function lowQuantiles(availability: Availability, window: number, shares: readonly number[]): number[] {
  const { times, length } = availability;
  const first = times[0]!;
  const distance = (times[length]! - window - first) / PLACES;
  const counts = new Uint32Array(BUCKETS + 1);
  let begin = 0;
  let end = 0;
  for (let i = 0; i < PLACES; i++) {
    const at = first + (i + 0.5) * distance;
    begin = stepAt(availability, at, begin);
    end = stepAt(availability, at + window, end);
    const area = areaAt(availability, at + window, end) - areaAt(availability, at, begin);
    // What rounding lost must not cost a bucket.
    counts[Math.min(BUCKETS, Math.max(0, Math.floor((area / window + 1e-9) * BUCKETS)))]!++;
  }
  return shares.map((share) => {
    let rest = Math.ceil(share * PLACES);
    let bucket = 0;
    while (rest > counts[bucket]!) rest -= counts[bucket++]!;
    return bucket / BUCKETS;
  });
}
