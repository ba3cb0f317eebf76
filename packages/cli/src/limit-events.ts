/** A trace cut to its first events. */
import type { Trace } from '@ttrace/format';

/** The first `count` events in file order, over the same tracks and strings. Nothing is copied. */
export function limitEvents(trace: Trace, count: number): Trace {
  return { ...trace, length: Math.min(count, trace.length) };
}
