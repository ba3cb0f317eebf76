/**
 * Cuts a trace down to a stretch of time, some threads, some tasks. What stays is as it was: times, slices with their true
 * begin and end, the origin, names and facts. Tracks that hold nothing any more go.
 *
 * An event stays if it overlaps the stretch: a slice with any part of it, a counter's sample until the next one.
 */

import {
  indexOf,
  rowsOfTasks,
  type Task,
  type TraceIndex,
  tasksCalled,
  tasksOf,
  timeText,
} from '@ttrace/analysis';
import {
  Category,
  dropEmptyTracks,
  EventKind,
  loopTrackName,
  pickRows,
  rowsWhere,
  rowsWithin,
  sampleTrackName,
  type Trace,
  type Track,
  timeRange,
} from '@ttrace/format';
import { Failure } from './failure.ts';
import { withoutPartFacts } from './part-facts.ts';

/** What is to stay; each is all where it is left out, and together they narrow each other. */
export interface Trimming {
  /** Nanoseconds since the first event, both ends included. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** By name, tid or pid/tid, with the tracks of their event loops and samples. */
  readonly threads?: readonly string[] | undefined;
  /** By name or id, with all their descendants. Their own slices lie on no thread, and stay whatever the threads. */
  readonly tasks?: readonly string[] | undefined;
}

/** A trace of what is to stay. @throws Failure when it has no such thread or task, or ends before the stretch. */
export function trimTrace(trace: Trace, { from, to, threads = [], tasks = [] }: Trimming): Trace {
  const isKept = new Uint8Array(trace.length);
  if (from === undefined && to === undefined) isKept.fill(1);
  else {
    const { start: first, end: last } = timeRange(trace);
    if (from !== undefined && from > last - first) {
      throw new Failure(`nothing is left: the trace lasts only ${timeText(last - first)}`);
    }
    const begin = from === undefined ? -Infinity : first + from;
    const end = to === undefined ? Infinity : first + to;
    for (const row of rowsWithin(trace, begin, end)) isKept[row] = 1;
    for (const row of lastSamplesBefore(trace, begin)) isKept[row] = 1;
  }
  if (threads.length > 0 || tasks.length > 0) {
    const isWanted = wantedRows(trace, threads, tasks);
    for (let row = 0; row < trace.length; row++) if (isKept[row] === 1 && !isWanted(row)) isKept[row] = 0;
  }
  const trimmed = pickRows(
    trace,
    rowsWhere(trace, (row) => isKept[row] === 1),
  );
  return withoutPartFacts(dropEmptyTracks(trimmed));
}

function wantedRows(
  trace: Trace,
  threads: readonly string[],
  tasks: readonly string[],
): (row: number) => boolean {
  const { track } = trace.columns;
  if (tasks.length === 0) {
    const isOfThreads = tracksOfThreads(trace, threads);
    return (row) => isOfThreads[track[row]!] === 1;
  }
  const index = indexOf(trace);
  const isOfTasks = rowsOfTasks(
    index,
    tasks.flatMap((name) => existingTasks(index, name)),
  );
  if (threads.length === 0) return isOfTasks;
  const isOfThreads = tracksOfThreads(trace, threads);
  const taskRows = new Set(tasksOf(index).all.map(({ row }) => row));
  return (row) => (isOfThreads[track[row]!] === 1 || taskRows.has(row)) && isOfTasks(row);
}

function existingTasks(index: TraceIndex, name: string): Task[] {
  const found = tasksCalled(index, name);
  if (found.length > 0) return found;
  throw new Failure(`there is no task ${name} in the trace: ttrace tasks lists the names of its tasks`);
}

/** The samples that say what each counter's value is when the stretch begins. */
function lastSamplesBefore({ columns, tracks, length }: Trace, begin: number): number[] {
  const { kind, start, track } = columns;
  const last = new Int32Array(tracks.length).fill(-1);
  for (let row = 0; row < length; row++) {
    if (kind[row] !== EventKind.counter || !(start[row]! < begin)) continue;
    const known = last[track[row]!]!;
    if (known < 0 || start[row]! >= start[known]!) last[track[row]!] = row;
  }
  return [...last.filter((row) => row >= 0)];
}

/** Marks the threads that are named, and their lanes. */
function tracksOfThreads({ tracks }: Trace, named: readonly string[]): Uint8Array {
  const isWanted = new Uint8Array(tracks.length);
  const left = new Set(named);
  const lanes = new Set<string>();
  for (const [index, track] of tracks.entries()) {
    if (track.kind !== 'thread') continue;
    const { pid, tid, name } = track;
    const fitting = [name, String(tid), `${pid}/${tid}`].filter((text) => named.includes(text));
    if (fitting.length === 0) continue;
    for (const text of fitting) left.delete(text);
    isWanted[index] = 1;
    for (const lane of laneKeys(track)) lanes.add(lane);
  }
  const [missing] = left;
  if (missing !== undefined) throw new Failure(`there is no thread ${missing} in the trace${known(tracks)}`);
  for (const [index, { kind, pid, category, id, name }] of tracks.entries()) {
    if (kind !== 'async' || (category !== Category.loop && category !== Category.sample)) continue;
    const number = Number(id || Number.NaN);
    // By its thread's tid, as the recorder writes it; else by name.
    const key = Number.isSafeInteger(number) ? `${pid} ${number}` : `${pid} ${name}`;
    if (lanes.has(key)) isWanted[index] = 1;
  }
  return isWanted;
}

function laneKeys({ pid, tid, name }: Track): string[] {
  return [`${pid} ${tid}`, `${pid} ${loopTrackName(name)}`, `${pid} ${sampleTrackName(name)}`];
}

const MAX_KNOWN = 8;

function known(tracks: readonly Track[]): string {
  const threads = tracks.filter(({ kind }) => kind === 'thread');
  if (threads.length === 0) return ', nor any other';
  const shown = threads.slice(0, MAX_KNOWN).map(({ name, pid, tid }) => `${name} (${pid}/${tid})`);
  const more = threads.length > MAX_KNOWN ? ', …' : '';
  return `, only ${shown.join(', ')}${more}`;
}
