/**
 * How much of a stretch of time counts: where a profile is of regions of a name, what lies within such a region; regions that overlap or
 * nest count once. Of CPU samples only what lies in the filter's stretch.
 *
 * A region on a thread takes in what is on that thread. One of an asynchronous function lies on no thread: it takes in what belongs
 * to the same task of the same process, on whatever thread.
 */
import { Category, EventKind } from '@ttrace/format';
import type { Span } from './table.ts';
import type { TraceIndex } from './trace-index.ts';

/** Times that follow each other and do not overlap. */
interface Times {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  /** Sum of all before each. */
  readonly before: Float64Array;
}

export class RegionClip {
  readonly #index: TraceIndex;
  readonly #start: number;
  readonly #end: number;
  /** Rows of the regions by thread track, and by process and task; undefined: all time counts. */
  readonly #byTrack: ReadonlyMap<number, readonly number[]> | undefined;
  readonly #byTask: ReadonlyMap<string, readonly number[]>;
  readonly #times = new Map<string, Times>();

  /**
   * @param region name of the regions; undefined: all time counts.
   * @param stretch in nanoseconds since the origin; what is outside of it never counts.
   */
  constructor(index: TraceIndex, region: string | undefined, stretch?: Span) {
    this.#index = index;
    this.#start = stretch?.start ?? -Infinity;
    this.#end = stretch?.end ?? Infinity;
    const regions = region === undefined ? undefined : regionRows(index, region);
    this.#byTrack = regions?.byTrack;
    this.#byTask = regions?.byTask ?? new Map();
  }

  /** Whether anything is cut off at all. */
  get isNarrow(): boolean {
    return this.#byTrack !== undefined || this.#start > -Infinity || this.#end < Infinity;
  }

  /**
   * What of a stretch counts, in nanoseconds.
   * @param track the thread's own track, -1 for what is on none. @param task its number, 0 = none.
   */
  within(track: number, pid: number, task: number, from: number, to: number): number {
    // hot: once or more per event of a profile.
    const begin = Math.max(from, this.#start);
    const end = Math.min(to, this.#end);
    if (end <= begin) return 0;
    if (this.#byTrack === undefined) return end - begin;
    const times = this.#timesOf(track, pid, task);
    return upTo(times, end) - upTo(times, begin);
  }

  #timesOf(track: number, pid: number, task: number): Times {
    const taskKey = `${pid} ${task}`;
    const ofTask = this.#byTask.get(taskKey);
    const key = ofTask === undefined ? String(track) : `${track} ${taskKey}`;
    let times = this.#times.get(key);
    if (times === undefined) {
      times = union(this.#index, [...(this.#byTrack?.get(track) ?? []), ...(ofTask ?? [])]);
      this.#times.set(key, times);
    }
    return times;
  }
}

/** Rows of the regions of a name. In a trace that has no regions of ours, of all slices of the name. */
function regionRows(
  index: TraceIndex,
  region: string,
): { byTrack: Map<number, number[]>; byTask: Map<string, number[]> } {
  const { kind, category, name, track } = index.trace.columns;
  const wantedName = index.trace.strings.find(region);
  const wanted = index.category(Category.region);
  const byTrack = new Map<number, number[]>();
  const byTask = new Map<string, number[]>();
  for (let row = 0; row < index.trace.length; row++) {
    if (name[row] !== wantedName || kind[row] !== EventKind.slice) continue;
    if (wanted !== -1 && category[row] !== wanted) continue;
    const { kind: trackKind, pid } = index.trace.tracks[track[row]!]!;
    if (trackKind === 'thread') push(byTrack, track[row]!, row);
    else push(byTask, `${pid} ${index.taskOf(row)}`, row);
  }
  return { byTrack, byTask };
}

function push<Key>(lists: Map<Key, number[]>, key: Key, row: number): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [row]);
  else list.push(row);
}

function union(index: TraceIndex, rows: readonly number[]): Times {
  const { start } = index.trace.columns;
  const sorted = [...rows].sort((a, b) => start[a]! - start[b]!);
  const starts = new Float64Array(sorted.length);
  const ends = new Float64Array(sorted.length);
  let length = 0;
  for (const row of sorted) {
    const end = index.endOf(row);
    if (length > 0 && start[row]! <= ends[length - 1]!) {
      ends[length - 1] = Math.max(ends[length - 1]!, end);
      continue;
    }
    starts[length] = start[row]!;
    ends[length++] = end;
  }
  const before = new Float64Array(length);
  for (let i = 1; i < length; i++) before[i] = before[i - 1]! + ends[i - 1]! - starts[i - 1]!;
  return { starts: starts.subarray(0, length), ends: ends.subarray(0, length), before };
}

/** How much of the times lies before a moment. */
function upTo({ starts, ends, before }: Times, moment: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle]! <= moment) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return 0;
  return before[low - 1]! + Math.min(moment, ends[low - 1]!) - starts[low - 1]!;
}
