/**
 * Cuts a trace that is too large for the bundled Perfetto into stretches that fit, and copies one stretch out of it.
 *
 * An event belongs to every stretch it overlaps, so a long slice is in each view that it crosses.
 */
import { EventKind, type Trace } from '@ttrace/format';

/** A stretch, in nanoseconds since the first event, and how many events it holds. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  readonly events: number;
}

/** Resolution of the cut. */
const BINS = 4096;

/**
 * Cuts `duration` nanoseconds from `start` on into the fewest stretches of at most about `maxEvents` events each.
 * A single bin (1/4096 of the trace) that holds more stays whole.
 */
export function cutIntoPieces(trace: Trace, start: number, duration: number, maxEvents: number): Piece[] {
  const { begins, open } = histogram(trace, start, duration);
  const width = duration / BINS;
  const pieces: Piece[] = [];
  let firstBin = 0;
  let events = open[0]!;
  for (let bin = 0; bin < BINS; bin++) {
    if (bin > firstBin && events + begins[bin]! > maxEvents) {
      pieces.push({ from: Math.round(firstBin * width), to: Math.round(bin * width), events });
      firstBin = bin;
      events = open[bin]!;
    }
    events += begins[bin]!;
  }
  pieces.push({ from: Math.round(firstBin * width), to: Math.round(duration), events });
  return pieces;
}

/** Events by the bin they begin in, and how many slices are open when a bin begins. */
function histogram(
  trace: Trace,
  start: number,
  duration: number,
): { begins: Float64Array; open: Float64Array } {
  const { columns } = trace;
  const scale = duration > 0 ? BINS / duration : 0;
  const binOf = (time: number) => Math.min(BINS - 1, Math.max(0, Math.floor((time - start) * scale)));
  const begins = new Float64Array(BINS);
  const open = new Float64Array(BINS + 1);
  for (let row = 0; row < trace.length; row++) {
    const first = binOf(columns.start[row]!);
    begins[first]!++;
    if (columns.kind[row] !== EventKind.slice) continue;
    const length = columns.value[row]!;
    const last = length < 0 ? BINS - 1 : binOf(columns.start[row]! + length);
    if (last > first) {
      open[first + 1]!++;
      open[last + 1]!--;
    }
  }
  for (let bin = 1; bin < BINS; bin++) open[bin]! += open[bin - 1]!;
  return { begins, open };
}

/** Row numbers of the events that overlap `from`..`to` (both ends included), nanoseconds since `Trace.origin`. */
export function rowsWithin(trace: Trace, from: number, to: number): Uint32Array {
  const { kind, start, value } = trace.columns;
  const isWithin = (row: number) => {
    const begin = start[row]!;
    if (begin > to) return false;
    if (begin >= from) return true;
    if (kind[row] !== EventKind.slice) return false;
    return value[row]! < 0 || begin + value[row]! >= from;
  };
  let count = 0;
  for (let row = 0; row < trace.length; row++) if (isWithin(row)) count++;
  const rows = new Uint32Array(count);
  let at = 0;
  for (let row = 0; row < trace.length; row++) if (isWithin(row)) rows[at++] = row;
  return rows;
}

/** How many events overlap `from`..`to`, and from the first begin to the last end of those, in nanoseconds. */
export function contentWithin(trace: Trace, from: number, to: number): { events: number; extent: number } {
  const rows = rowsWithin(trace, from, to);
  const { start, last } = extremes(trace, rows);
  return { events: rows.length, extent: rows.length === 0 ? 0 : last - start };
}

function extremes({ columns }: Trace, rows: Uint32Array): { start: number; last: number } {
  let start = Infinity;
  let last = -Infinity;
  for (const row of rows) {
    const begin = columns.start[row]!;
    const length = columns.kind[row] === EventKind.slice ? Math.max(0, columns.value[row]!) : 0;
    if (begin < start) start = begin;
    if (begin + length > last) last = begin + length;
  }
  return { start, last };
}

/** A trace of some rows of another, in the same order; tables are shared. */
export function pickRows(trace: Trace, rows: Uint32Array): Trace {
  const { columns } = trace;
  const pick = <T extends Uint8Array | Uint32Array | Float64Array>(from: T, to: T): T => {
    for (let i = 0; i < rows.length; i++) to[i] = from[rows[i]!]!;
    return to;
  };
  const { length } = rows;
  return {
    ...trace,
    length,
    columns: {
      kind: pick(columns.kind, new Uint8Array(length)),
      start: pick(columns.start, new Float64Array(length)),
      value: pick(columns.value, new Float64Array(length)),
      name: pick(columns.name, new Uint32Array(length)),
      category: pick(columns.category, new Uint32Array(length)),
      track: pick(columns.track, new Uint32Array(length)),
      args: pick(columns.args, new Uint32Array(length)),
    },
  };
}
