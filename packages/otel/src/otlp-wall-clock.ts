/** Where a trace lies on the wall clock, on which every span must lie. */
import type { Trace } from '@ttrace/format';

/** Bounds between which a producer's own clock is taken for the wall clock: 2001 and 2100. */
const FIRST_WALL_NANOS = 978_307_200_000_000_000n;
const LAST_WALL_NANOS = 4_102_444_800_000_000_000n;

/**
 * Nanoseconds since 1970 of time 0 of a trace: by its clock snapshot, or by its own times where they count from 1970 already.
 * Undefined where nothing says when it was recorded.
 *
 * Exact to the nanosecond among all spans of a recording; against other clocks as exact as the snapshot, which is one millisecond.
 */
export function wallEpochOf({ clock, origin }: Trace): bigint | undefined {
  if (clock !== undefined && Number.isFinite(clock.wallMillis)) {
    return wallNanos(clock.wallMillis) + origin - clock.monotonicNanos;
  }
  return origin >= FIRST_WALL_NANOS && origin <= LAST_WALL_NANOS ? origin : undefined;
}

/** Milliseconds since 1970 as nanoseconds: whole ones exactly, what is behind the point to a microsecond. */
export function wallNanos(millis: number): bigint {
  const whole = Math.floor(millis);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((millis - whole) * 1000)) * 1000n;
}
