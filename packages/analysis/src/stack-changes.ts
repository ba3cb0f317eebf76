/**
 * How the stack of open slices on a track changes over time: what formats need that know stacks, not slices. There slices nest; those of a trace may
 * overlap without one containing the other, so a track becomes as many lanes as it takes for each to nest.
 */
import type { TraceIndex } from './trace-index.ts';

/** A slice that opens or closes. The innermost closes first; times never go back. */
export interface StackChange {
  readonly isOpening: boolean;
  readonly row: number;
  /** Nanoseconds since the trace's origin. */
  readonly at: number;
}

/** Overlaps that need more lanes end with the slice around them in the last one. */
const MAX_LANES = 16;

/** Rows of slices of one track, parents first, divided so that the slices of each lane nest. None for an empty track. */
export function nestedLanes(index: TraceIndex, track: number): readonly (readonly number[])[] {
  const { start } = index.trace.columns;
  const { rows, offsets } = index.slices;
  const lanes: { readonly rows: number[]; readonly ends: number[] }[] = [];
  for (let at = offsets[track]!; at < offsets[track + 1]!; at++) {
    const row = rows[at]!;
    const end = index.endOf(row);
    const lane = lanes.find(({ ends }, number) => {
      while (ends.length > 0 && ends[ends.length - 1]! <= start[row]!) ends.pop();
      return ends.length === 0 || end <= ends[ends.length - 1]! || number === MAX_LANES - 1;
    });
    if (lane === undefined) lanes.push({ rows: [row], ends: [end] });
    else {
      lane.rows.push(row);
      lane.ends.push(Math.min(end, lane.ends[lane.ends.length - 1] ?? end));
    }
  }
  return lanes.map((lane) => lane.rows);
}

/** The changes that slices make which nest. @param rows in order, parents first. */
export function* stackChanges(
  index: TraceIndex,
  rows: readonly number[],
): Generator<StackChange, void, undefined> {
  const { start } = index.trace.columns;
  const open: number[] = [];
  const ends: number[] = [];
  for (const row of rows) {
    const at = start[row]!;
    while (ends.length > 0 && ends[ends.length - 1]! <= at) {
      yield { isOpening: false, row: open.pop()!, at: ends.pop()! };
    }
    open.push(row);
    ends.push(Math.min(index.endOf(row), ends[ends.length - 1] ?? Infinity));
    yield { isOpening: true, row, at };
  }
  while (ends.length > 0) yield { isOpening: false, row: open.pop()!, at: ends.pop()! };
}
