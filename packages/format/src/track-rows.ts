/** All rows of a trace by track, in the order in which a writer wants them. */
import { sortParentsFirst } from './row-order.ts';
import { EventKind, type Trace } from './trace.ts';

/** The rows of track t are `rows[offsets[t]] … rows[offsets[t + 1] - 1]`: by time, outer slices before inner ones. */
export interface TrackRows {
  readonly offsets: Uint32Array;
  readonly rows: Uint32Array;
  /** Whether an arrow begins or ends on the track. */
  hasFlows(track: number): boolean;
}

/** Rows whose time is no number are left out. Of rows of one time: slices, the longer first, then instants, then arrows. */
export function rowsInOrder(trace: Trace): TrackRows {
  const { kind, start, value, track } = trace.columns;
  const { length, tracks } = trace;
  const offsets = new Uint32Array(tracks.length + 1);
  const extent = new Float64Array(length);
  const flows = new Uint8Array(tracks.length);
  for (let row = 0; row < length; row++) {
    if (!isWritable(kind[row]!, start[row]!, value[row]!)) continue;
    offsets[track[row]! + 1]!++;
    if (kind[row] === EventKind.slice) extent[row] = value[row]! < 0 ? Infinity : value[row]!;
    else if (kind[row]! < EventKind.flowOut) extent[row] = -1;
    else {
      extent[row] = -2;
      flows[track[row]!] = 1;
    }
  }
  for (let t = 0; t < tracks.length; t++) offsets[t + 1]! += offsets[t]!;
  const next = offsets.slice();
  const rows = new Uint32Array(offsets[tracks.length]!);
  for (let row = 0; row < length; row++) {
    if (isWritable(kind[row]!, start[row]!, value[row]!)) rows[next[track[row]!]!++] = row;
  }
  for (let t = 0; t < tracks.length; t++) {
    sortParentsFirst(rows.subarray(offsets[t]!, offsets[t + 1]!), start, extent);
  }
  return {
    offsets,
    rows,
    hasFlows: (t) => flows[t] === 1,
  };
}

function isWritable(kind: number, start: number, value: number): boolean {
  return Number.isFinite(start) && (kind !== EventKind.slice || Number.isFinite(value));
}
