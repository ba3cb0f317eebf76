/**
 * Arrows of a trace: from the slice in which something was sent, or somebody let go on, to the slice in which it arrived. Arrays, for there
 * may be millions. One that is sent to several, such as a broadcast, is one arrow for each.
 */
import { EventKind, type Trace } from '@ttrace/format';
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

/** Numbers of the arrows that begin in a slice, in the order of `arrowsOf`. */
export function arrowsFrom(index: TraceIndex, row: number): Uint32Array {
  return arrowsAt(index.once(arrowsBySender), row);
}

/** Numbers of the arrows that end in a slice, in the order of `arrowsOf`. */
export function arrowsTo(index: TraceIndex, row: number): Uint32Array {
  return arrowsAt(index.once(arrowsByReceiver), row);
}

/** Arrows by the rows of their slices at one end, both in the order of these. */
interface SortedArrows {
  readonly rows: Int32Array;
  readonly arrows: Uint32Array;
}

function arrowsBySender(index: TraceIndex): SortedArrows {
  return sortedArrows(arrowsOf(index).outSlice);
}

function arrowsByReceiver(index: TraceIndex): SortedArrows {
  return sortedArrows(arrowsOf(index).inSlice);
}

function sortedArrows(slices: Int32Array): SortedArrows {
  const { length } = slices;
  // Both in one number, for numbers are sorted several times as fast as by a function.
  const keys = new Float64Array(length);
  let isSorted = true;
  for (let at = 0; at < length; at++) {
    keys[at] = slices[at]! * length + at;
    if (at > 0 && keys[at]! < keys[at - 1]!) isSorted = false;
  }
  if (!isSorted) keys.sort();
  const arrows = new Uint32Array(length);
  const rows = new Int32Array(length);
  for (let at = 0; at < length; at++) {
    rows[at] = Math.floor(keys[at]! / length);
    arrows[at] = keys[at]! - rows[at]! * length;
  }
  return { rows, arrows };
}

function arrowsAt({ rows, arrows }: SortedArrows, row: number): Uint32Array {
  const placeOf = (wanted: number): number => {
    let low = 0;
    for (let high = rows.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (rows[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return arrows.subarray(placeOf(row), placeOf(row + 1));
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
  for (let at = 0; at < ends.length; at++) {
    const row = ends[at]!;
    arrows.inSlice[at] = sliceOf(row);
    arrows.inTime[at] = start[row]!;
    arrows.inTrack[at] = track[row]!;
    const out = outs[value[row]!]!;
    if (out >= 0 && kind[out] === EventKind.flowOut) setOut(at, out);
  }
  for (let at = 0; at < lonely.length; at++) setOut(ends.length + at, lonely[at]!);
  return arrows;
}

/** The latest row at which each flow begins, -1 for none; rows at which flows end; rows of begins that have no end, in the order of the first. */
function flowEnds({ trace }: TraceIndex): { outs: Int32Array; ends: Int32Array; lonely: number[] } {
  const { kind, value } = trace.columns;
  // Flows are numbered from 1 on; 0 is one that was too many for the reader.
  let flows = 0;
  let count = 0;
  const rows = flowRows(trace);
  for (const row of rows) {
    if (value[row]! > flows) flows = value[row]!;
    if (kind[row] === EventKind.flowIn) count++;
  }
  const outs = new Int32Array(flows + 1).fill(-1);
  const isEnded = new Uint8Array(flows + 1);
  const ends = new Int32Array(count);
  let at = 0;
  for (const row of rows) {
    const flow = value[row]!;
    if (kind[row] === EventKind.flowIn) {
      isEnded[flow] = 1;
      ends[at++] = row;
    } else if (kind[row] === EventKind.flowOut) outs[flow] = row;
  }
  outs[0] = -1;
  const lonely: number[] = [];
  // In the order in which the file names them, which is that of their numbers.
  for (let flow = 1; flow <= flows; flow++) {
    if (outs[flow]! >= 0 && isEnded[flow] === 0) lonely.push(outs[flow]!);
  }
  return { outs, ends, lonely };
}

/** Rows of all ends of arrows, in file order. */
export function flowRows({ columns, length }: Trace): Uint32Array {
  const { kind } = columns;
  let count = 0;
  for (let row = 0; row < length; row++) if (kind[row]! >= EventKind.flowOut) count++;
  const rows = new Uint32Array(count);
  for (let row = 0, at = 0; at < count; row++) if (kind[row]! >= EventKind.flowOut) rows[at++] = row;
  return rows;
}
