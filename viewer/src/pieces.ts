/**
 * Cuts a trace that is too large for the bundled Perfetto into stretches that fit.
 *
 * An event belongs to every stretch it overlaps, so a long slice is in each view that it crosses.
 */
import { EventKind, rowsWithin, type Trace } from '@ttrace/format';

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
