/**
 * Which slice each event lies in: what an arrow's end is tied to, and where an event without a task of its own gets its task
 * from. Four bytes a row.
 */
import { EventKind, rowsInOrder, type Trace } from '@ttrace/format';

/** How far up a row looks for a slice that contains it, where slices of one track overlap. */
const MAX_STEPS = 32;

/**
 * The row of the innermost slice that encloses each row on its track, -1 for none. An arrow's end gets the slice that
 * `writeTrace` ties it to.
 */
export function enclosingSlices(trace: Trace): Int32Array {
  const enclosing = new Int32Array(trace.length).fill(-1);
  const { offsets, rows } = rowsInOrder(trace);
  for (let track = 0; track < trace.tracks.length; track++) {
    encloseTrack(trace, rows.subarray(offsets[track]!, offsets[track + 1]!), enclosing);
  }
  return enclosing;
}

/** @param rows of one track, parents first. */
function encloseTrack({ columns }: Trace, rows: Uint32Array, enclosing: Int32Array): void {
  const { kind, start, value } = columns;
  const endOf = (row: number): number => {
    if (kind[row] !== EventKind.slice) return start[row]!;
    return value[row]! < 0 ? Infinity : start[row]! + value[row]!;
  };
  const open: number[] = [];
  for (const row of rows) {
    const begin = start[row]!;
    const end = endOf(row);
    const isSlice = kind[row] === EventKind.slice;
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      // A slice still encloses the moment of its end, but no slice that begins there and goes on.
      const topEnd = endOf(top);
      if (topEnd > begin || (topEnd === begin && !(isSlice && end > begin))) break;
      open.pop();
    }
    if (kind[row]! >= EventKind.flowOut) enclosing[row] = open.at(-1) ?? -1;
    else {
      const least = Math.max(0, open.length - MAX_STEPS);
      for (let at = open.length - 1; at >= least && enclosing[row]! < 0; at--) {
        if (endOf(open[at]!) >= end) enclosing[row] = open[at]!;
      }
    }
    if (isSlice) open.push(row);
  }
}
