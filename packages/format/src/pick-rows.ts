/**
 * Parts of a trace: which rows overlap a stretch of time, a trace of some rows of another, and one without the tracks that
 * hold nothing. Rows keep their order, their times and the origin; texts are shared with the whole, so a part costs its rows.
 */
import { EventKind, type Trace, type Track } from './trace.ts';
import { Category } from './vocabulary.ts';

/** Row numbers of the events that overlap `from`..`to` (both ends included), nanoseconds since `Trace.origin`. */
export function rowsWithin(trace: Trace, from: number, to: number): Uint32Array {
  const { kind, start, value } = trace.columns;
  return rowsWhere(trace, (row) => {
    const begin = start[row]!;
    if (begin > to) return false;
    if (begin >= from) return true;
    if (kind[row] !== EventKind.slice) return false;
    return value[row]! < 0 || begin + value[row]! >= from;
  });
}

/** Row numbers of the events for which `isWanted` holds, in file order. It is asked twice a row. */
export function rowsWhere({ length }: Trace, isWanted: (row: number) => boolean): Uint32Array {
  let count = 0;
  for (let row = 0; row < length; row++) if (isWanted(row)) count++;
  const rows = new Uint32Array(count);
  let at = 0;
  for (let row = 0; row < length; row++) if (isWanted(row)) rows[at++] = row;
  return rows;
}

/** A trace of some rows of another, in the order of `rows`; tables are shared. */
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

/**
 * The same rows, without the tracks that hold none of them and the processes that have no track then. A thread stays
 * while the track of its event loop or of its samples does, which JSON names after it.
 * @param needed further tracks that stay, by index.
 */
export function dropEmptyTracks(trace: Trace, needed: Iterable<number> = []): Trace {
  const { columns, tracks, processes, length } = trace;
  const isUsed = new Uint8Array(tracks.length);
  for (let row = 0; row < length; row++) isUsed[columns.track[row]!] = 1;
  for (const track of needed) isUsed[track] = 1;
  keepThreadsOfLanes(tracks, isUsed);
  const places = new Uint32Array(tracks.length);
  const kept: Track[] = [];
  const pids = new Set<number>();
  for (const [index, track] of tracks.entries()) {
    if (isUsed[index] === 0) continue;
    places[index] = kept.push(track) - 1;
    pids.add(track.pid);
  }
  return {
    ...trace,
    tracks: kept,
    processes: processes.filter(({ pid }) => pids.has(pid)),
    columns: { ...columns, track: columns.track.map((track) => places[track]!) },
  };
}

function keepThreadsOfLanes(tracks: readonly Track[], isUsed: Uint8Array): void {
  const threads = new Set<string>();
  for (const [index, { kind, category, pid, id }] of tracks.entries()) {
    if (isUsed[index] === 0 || kind !== 'async') continue;
    if (category === Category.loop || category === Category.sample) threads.add(`${pid} ${Number(id)}`);
  }
  if (threads.size === 0) return;
  for (const [index, { kind, pid, tid }] of tracks.entries()) {
    if (kind === 'thread' && threads.has(`${pid} ${tid}`)) isUsed[index] = 1;
  }
}
