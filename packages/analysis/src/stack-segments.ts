/** Stretches of time in which the stack of a track stays the same, one after another without a gap: what samples with weights are. */
import { stackChanges } from './stack-changes.ts';
import type { TraceIndex } from './trace-index.ts';

export interface StackSegment {
  /** Nanoseconds since the trace's origin. */
  readonly start: number;
  readonly end: number;
  /** Rows of the open slices, outermost first; none where nothing is open. Changes when the next segment is asked for. */
  readonly stack: readonly number[];
}

/** All segments from one moment to another. @param rows slices that nest, parents first. */
export function* stackSegments(
  index: TraceIndex,
  rows: readonly number[],
  from: number,
  to: number,
): Generator<StackSegment, void, undefined> {
  const stack: number[] = [];
  let at = from;
  for (const change of stackChanges(index, rows)) {
    if (change.at > at) yield { start: at, end: change.at, stack };
    at = Math.max(at, change.at);
    if (change.isOpening) stack.push(change.row);
    else stack.pop();
  }
  if (to > at) yield { start: at, end: to, stack: [] };
}
