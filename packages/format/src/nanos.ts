/** Time inside ttrace is an integer number of nanoseconds. Other units exist only at a format's edge. */

declare const nanos: unique symbol;

/** A time or a duration in integer nanoseconds. Exact up to 2^53 (104 days). */
export type Nanos = number & { readonly [nanos]: true };

/** Marks a number that already is integer nanoseconds. Does not round. */
export function asNanos(value: number): Nanos {
  return value as Nanos;
}
