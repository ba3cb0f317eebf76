/**
 * Arrows of a trace: from the slice in which something was sent, or somebody let go on, to the slice in which it arrived. Arrays, for there
 * may be millions. One that is sent to several, such as a broadcast, is one arrow for each.
 */
import { EventKind } from '@ttrace/format';
import type { TraceIndex } from './trace-index.ts';

export interface Arrows {
  readonly length: number;
  /** Rows of the slices at both ends; -1 where there is none, or no such end. */
  readonly outSlice: Int32Array;
  readonly inSlice: Int32Array;
  /** Nanoseconds since the origin; NaN where the end is missing. */
  readonly outTime: Float64Array;
  readonly inTime: Float64Array;
  /** Indices into `Trace.tracks`; -1 where the end is missing. */
  readonly outTrack: Int32Array;
  readonly inTrack: Int32Array;
}

/** All arrows, in the order in which they arrive in the file; then those that never do. */
export function arrowsOf(index: TraceIndex): Arrows {
  return index.once(findArrows);
}

function findArrows(index: TraceIndex): Arrows {
  const { kind, start, value, track } = index.trace.columns;
  const { outs, ends, lonely } = flowEnds(index);
  const length = ends.length + lonely.length;
  const arrows: Arrows = {
    length,
    outSlice: new Int32Array(length).fill(-1),
    inSlice: new Int32Array(length).fill(-1),
    outTime: new Float64Array(length).fill(Number.NaN),
    inTime: new Float64Array(length).fill(Number.NaN),
    outTrack: new Int32Array(length).fill(-1),
    inTrack: new Int32Array(length).fill(-1),
  };
  // Of the recorder's own arrows the slice begins with them; those of others lie somewhere in it.
  const sliceOf = (row: number): number => index.sliceAt(track[row]!, start[row]!);
  const setOut = (at: number, row: number): void => {
    arrows.outSlice[at] = sliceOf(row);
    arrows.outTime[at] = start[row]!;
    arrows.outTrack[at] = track[row]!;
  };
  ends.forEach((row, at) => {
    arrows.inSlice[at] = sliceOf(row);
    arrows.inTime[at] = start[row]!;
    arrows.inTrack[at] = track[row]!;
    const out = outs.get(value[row]!);
    if (out !== undefined && kind[out] === EventKind.flowOut) setOut(at, out);
  });
  lonely.forEach((row, at) => {
    setOut(ends.length + at, row);
  });
  return arrows;
}

/** Rows at which flows begin, by flow, rows at which they end, and rows of begins that have no end. */
function flowEnds({ trace }: TraceIndex): { outs: Map<number, number>; ends: number[]; lonely: number[] } {
  const { kind, value } = trace.columns;
  const outs = new Map<number, number>();
  const ends: number[] = [];
  for (let row = 0; row < trace.length; row++) {
    if (kind[row] === EventKind.flowOut) outs.set(value[row]!, row);
    else if (kind[row] === EventKind.flowIn) ends.push(row);
  }
  const ended = new Set(ends.map((row) => value[row]!));
  const lonely = [...outs.values()].filter((row) => !ended.has(value[row]!));
  return { outs, ends, lonely };
}
