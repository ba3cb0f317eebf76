/**
 * Rows by track, and slices in the order in which they contain each other: the first two steps of everything that looks
 * at nesting or writes a trace track by track. Linear in the number of rows: most files hold millions, written at the end
 * of each slice, which is the worst case of a comparison sort.
 */
import { EventKind, type Trace } from './trace.ts';

/** The rows of track t are `rows[offsets[t]] … rows[offsets[t + 1] - 1]`. */
export interface RowsByTrack {
  readonly offsets: Uint32Array;
  readonly rows: Uint32Array;
}

/** All rows that a writer can write, in the order in which it wants them. */
export interface TrackRows extends RowsByTrack {
  /** Whether an arrow begins or ends on the track. */
  hasFlows(track: number): boolean;
}

/** Below this a comparison sort is as fast, and needs no memory. */
const SMALL = 2048;
const DIGIT = 1 << 16;

/**
 * Groups the slices that have a beginning and an end by track, in file order. Unfinished slices and damaged times are left
 * out.
 */
export function finishedSlicesByTrack(trace: Trace): RowsByTrack {
  const { kind, start, value } = trace.columns;
  return groupByTrack(
    trace,
    (row) => kind[row] === EventKind.slice && value[row]! >= 0 && Number.isFinite(start[row]! + value[row]!),
  );
}

/**
 * Groups all slices by track, those that contain others first. One without an end contains all that begins after it. Damaged times
 * are left out.
 */
export function slicesByTrack(trace: Trace): RowsByTrack {
  const { kind, start, value } = trace.columns;
  let extent = value;
  for (let row = 0; row < trace.length && extent === value; row++) {
    if (kind[row] === EventKind.slice && value[row]! < 0)
      extent = value.map((each) => (each < 0 ? Infinity : each));
  }
  const { offsets, rows } = groupByTrack(
    trace,
    (row) => kind[row] === EventKind.slice && Number.isFinite(start[row]! + value[row]!),
  );
  for (let t = 0; t < trace.tracks.length; t++) {
    sortParentsFirst(rows.subarray(offsets[t], offsets[t + 1]), start, extent);
  }
  return { offsets, rows };
}

/**
 * Groups all rows by track, by time and parents first. Rows whose time is no number are left out. Of rows of one time:
 * slices, the longer first, then instants and samples, then arrows.
 */
export function rowsInOrder(trace: Trace): TrackRows {
  const { kind, start, value, track } = trace.columns;
  const extent = new Float64Array(trace.length);
  const hasFlows = new Uint8Array(trace.tracks.length);
  const { offsets, rows } = groupByTrack(
    trace,
    (row) => Number.isFinite(start[row]) && (kind[row] !== EventKind.slice || Number.isFinite(value[row])),
  );
  // In file order, which is that of memory.
  for (let row = 0; row < trace.length; row++) {
    if (kind[row] === EventKind.slice) extent[row] = value[row]! < 0 ? Infinity : value[row]!;
    else if (kind[row]! < EventKind.flowOut) extent[row] = -1;
    else {
      extent[row] = -2;
      hasFlows[track[row]!] = 1;
    }
  }
  for (let t = 0; t < trace.tracks.length; t++) {
    sortParentsFirst(rows.subarray(offsets[t]!, offsets[t + 1]!), start, extent);
  }
  return { offsets, rows, hasFlows: (t) => hasFlows[t] === 1 };
}

function groupByTrack({ columns, length, tracks }: Trace, isWanted: (row: number) => boolean): RowsByTrack {
  const { track } = columns;
  const offsets = new Uint32Array(tracks.length + 1);
  for (let row = 0; row < length; row++) if (isWanted(row)) offsets[track[row]! + 1]!++;
  for (let t = 0; t < tracks.length; t++) offsets[t + 1]! += offsets[t]!;
  const next = offsets.slice();
  const rows = new Uint32Array(offsets[tracks.length]!);
  for (let row = 0; row < length; row++) if (isWanted(row)) rows[next[track[row]!]!++] = row;
  return { offsets, rows };
}

/**
 * Sorts rows of finished slices so that each comes after the slices that contain it: by begin, the longer first, of equal
 * ones the first in the file first. In place.
 */
export function sortParentsFirst(rows: Uint32Array, start: Float64Array, duration: Float64Array): void {
  const compare = (a: number, b: number): number =>
    start[a]! - start[b]! || duration[b]! - duration[a]! || a - b;
  if (isSorted(rows, compare) || insertedInto(rows, start, compare)) return;
  if (rows.length < SMALL) {
    rows.sort(compare);
    return;
  }
  sortByStart(rows, start);
  for (let from = 0; from < rows.length; ) {
    let to = from + 1;
    while (to < rows.length && start[rows[to]!] === start[rows[from]!]) to++;
    if (to - from > 1) rows.subarray(from, to).sort(compare);
    from = to;
  }
}

function isSorted(rows: Uint32Array, compare: (a: number, b: number) => number): boolean {
  for (let i = 1; i < rows.length; i++) if (compare(rows[i - 1]!, rows[i]!) > 0) return false;
  return true;
}

/** Elements that an insertion sort may move for each row: of slices written at their ends, a row moves past what it contains. */
const MOVES_A_ROW = 64;

/**
 * Insertion sort, for rows that are nearly in order: three times as fast as a radix sort on slices written at their ends.
 * @returns false when too much had to move; the rows are in some other order then.
 */
function insertedInto(
  rows: Uint32Array,
  start: Float64Array,
  compare: (a: number, b: number) => number,
): boolean {
  let moves = rows.length * MOVES_A_ROW;
  for (let i = 1; i < rows.length; i++) {
    const row = rows[i]!;
    if (start[row]! > start[rows[i - 1]!]! || compare(rows[i - 1]!, row) <= 0) continue;
    // All from `high` on go behind the row; what does is looked for in growing steps.
    let high = i - 1;
    let step = 1;
    while (high - step >= 0 && compare(rows[high - step]!, row) > 0) {
      high -= step;
      step *= 2;
    }
    let low = Math.max(0, high - step);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(rows[middle]!, row) > 0) high = middle;
      else low = middle + 1;
    }
    moves -= i - low;
    if (moves < 0) return false;
    rows.copyWithin(low + 1, low, i);
    rows[low] = row;
  }
  return true;
}

/** Stable radix sort, 16 bits a pass: three passes for a trace of up to 78 hours. */
function sortByStart(rows: Uint32Array, start: Float64Array): void {
  let low = Infinity;
  let high = -Infinity;
  for (const row of rows) {
    const time = start[row]!;
    if (time < low) low = time;
    if (time > high) high = time;
  }
  let from = rows;
  let to: Uint32Array = new Uint32Array(rows.length);
  const counts = new Uint32Array(DIGIT);
  for (let unit = 1; (high - low) / unit >= 1; unit *= DIGIT) {
    // A product with a power of two is exact, and `&` takes the integer modulo 2^32.
    const scale = 1 / unit;
    counts.fill(0);
    for (const row of from) counts[((start[row]! - low) * scale) & (DIGIT - 1)]!++;
    let sum = 0;
    for (let digit = 0; digit < DIGIT; digit++) {
      const count = counts[digit]!;
      counts[digit] = sum;
      sum += count;
    }
    for (const row of from) to[counts[((start[row]! - low) * scale) & (DIGIT - 1)]!++] = row;
    [from, to] = [to, from];
  }
  if (from !== rows) rows.set(from);
}
