/**
 * What most questions need of a trace, made once and kept as long as the trace: its time range, slices by track with parents first,
 * its threads with the rows that belong to them, and the task of each row. Arrays over rows, no object an event.
 *
 * Times are nanoseconds since the trace's origin, as in its columns. What people see and type counts from `TraceIndex.start`.
 */
import { Category, type RowsByTrack, slicesByTrack, type Trace, timeRange } from '@ttrace/format';
import { CategoryRows } from './category-rows.ts';
import { threadLives } from './thread-lives.ts';

/** A thread and the tracks on which it lies. */
export interface Thread {
  readonly pid: number;
  readonly tid: number;
  /** `thread TID` when the file does not name it. */
  readonly name: string;
  /** Indices into `Trace.tracks`; -1 where the trace has none. */
  readonly track: number;
  readonly loopTrack: number;
  readonly sampleTrack: number;
  /** Its life, as far as the trace covers it; both 0 for one of which there is nothing. */
  readonly start: number;
  readonly end: number;
  /** Until then a worker starts: Node.js runs in it, of which nothing is recorded. `start` where that is not known. */
  readonly startedAt: number;
}

export class TraceIndex {
  readonly trace: Trace;
  /** First begin and last end of the trace. */
  readonly start: number;
  readonly end: number;
  readonly #made = new Map<unknown, unknown>();
  #slices: RowsByTrack | undefined;
  #categories: CategoryRows | undefined;
  #parents: Int32Array | undefined;
  /** By track, the place in `slices` after the one that `sliceAt` found last. */
  #lastAt: Uint32Array | undefined;
  #threads: readonly Thread[] | undefined;
  #byTrack: readonly (Thread | undefined)[] | undefined;
  #byIds: Map<string, Thread> | undefined;
  /** Ids + 1 of tasks by the string id of arguments; 0 = not looked at yet. */
  #tasks: Float64Array | undefined;
  /** By track: what is added to a task's id in its process, so that it is one of the trace. */
  #taskOffsets: Float64Array | undefined;

  constructor(trace: Trace) {
    this.trace = trace;
    ({ start: this.start, end: this.end } = timeRange(trace));
  }

  /** What a function makes of this trace: made when first asked for, and kept. */
  once<T>(make: (index: TraceIndex) => T): T {
    if (!this.#made.has(make)) this.#made.set(make, make(this));
    return this.#made.get(make) as T;
  }

  /** All slices by track, those that contain others first. One without an end lasts until the trace's. */
  get slices(): RowsByTrack {
    this.#slices ??= slicesByTrack(this.trace);
    return this.#slices;
  }

  /** Rows of a category, in file order. Of those that most rows have, such as regions, each call looks for them anew. */
  rowsOf(category: string): Uint32Array {
    return this.#rows.rowsOf(this.category(category));
  }

  /** The same; undefined for a category that more than a quarter of all rows have: who looks at each of them once had better do so. */
  rareRowsOf(category: string): Uint32Array | undefined {
    return this.#rows.rareRowsOf(this.category(category));
  }

  get #rows(): CategoryRows {
    this.#categories ??= new CategoryRows(this.trace);
    return this.#categories;
  }

  /** Row of the innermost slice around a slice, on the same track; -1 for none. */
  parentOf(row: number): number {
    this.#parents ??= parentsIn(this);
    return this.#parents[row]!;
  }

  /** Row of the innermost slice that is open at a moment on a track, its first and last moment included; -1 for none. */
  sliceAt(track: number, time: number): number {
    // hot: once an arrow's end. Most are asked for in order of time: the search begins where the last one on the track ended.
    const { start } = this.trace.columns;
    const { offsets, rows } = this.slices;
    this.#lastAt ??= offsets.slice();
    const first = offsets[track]!;
    const last = offsets[track + 1]!;
    const from = this.#lastAt[track]!;
    let low = first;
    let high = last;
    let step = 1;
    if (from < last && start[rows[from]!]! <= time) {
      for (low = from; from + step < last && start[rows[from + step]!]! <= time; step *= 2) low = from + step;
      high = Math.min(last, from + step);
    } else {
      for (high = from; from - step >= first && start[rows[from - step]!]! > time; step *= 2)
        high = from - step;
      low = Math.max(first, from - step);
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (start[rows[middle]!]! <= time) low = middle + 1;
      else high = middle;
    }
    this.#lastAt[track] = low;
    let row = low > first ? rows[low - 1]! : -1;
    while (row >= 0 && this.endOf(row) < time) row = this.parentOf(row);
    return row;
  }

  /** Slices of a track that begin at a moment or later, those that contain others first. */
  slicesFrom(track: number, time: number): Uint32Array {
    const { start } = this.trace.columns;
    const { offsets, rows } = this.slices;
    let low = offsets[track]!;
    let high = offsets[track + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (start[rows[middle]!]! < time) low = middle + 1;
      else high = middle;
    }
    return rows.subarray(low, offsets[track + 1]!);
  }

  /** All threads, in the order in which the file names them. */
  get threads(): readonly Thread[] {
    this.#threads ??= threadsOf(this);
    return this.#threads;
  }

  /** The thread that a track belongs to: its own, its event loop's or its samples'. Undefined for what no thread has. */
  threadOf(track: number): Thread | undefined {
    if (this.#byTrack === undefined) {
      const byTrack = new Array<Thread | undefined>(this.trace.tracks.length).fill(undefined);
      for (const thread of this.threads) {
        for (const own of [thread.track, thread.loopTrack, thread.sampleTrack]) {
          if (own >= 0) byTrack[own] = thread;
        }
      }
      this.#byTrack = byTrack;
    }
    return this.#byTrack[track];
  }

  /** The thread of these ids, if it is in the trace. */
  threadWith(pid: number, tid: number): Thread | undefined {
    this.#byIds ??= new Map(this.threads.map((thread) => [`${thread.pid}/${thread.tid}`, thread]));
    return this.#byIds.get(`${pid}/${tid}`);
  }

  /** End of a slice; the trace's where it has none. */
  endOf(row: number): number {
    const duration = this.trace.columns.value[row]!;
    return duration < 0 ? this.end : this.trace.columns.start[row]! + duration;
  }

  /**
   * Number of the task that a row belongs to, or is; 0 = none. It is the task's id, to which in any process but the trace's first
   * a multiple of 2^32 is added: each process counts its tasks from 1.
   */
  taskOf(row: number): number {
    const args = this.trace.columns.args[row]!;
    if (args === 0) return 0;
    this.#tasks ??= new Float64Array(this.trace.strings.size);
    let next = this.#tasks[args]!;
    if (next === 0) {
      next = taskIn(this.trace.strings, args) + 1;
      this.#tasks[args] = next;
    }
    return next === 1 ? 0 : next - 1 + this.#taskOffset(row);
  }

  /** Number of a task that a row's arguments name, such as its parent. */
  taskNumber(row: number, id: unknown): number {
    return typeof id === 'number' && id > 0 && id < TASKS_A_PROCESS ? id + this.#taskOffset(row) : 0;
  }

  #taskOffset(row: number): number {
    if (this.trace.processes.length < 2) return 0;
    if (this.#taskOffsets === undefined) {
      const order = new Map(this.trace.processes.map(({ pid }, at) => [pid, at]));
      this.#taskOffsets = Float64Array.from(
        this.trace.tracks,
        ({ pid }) => (order.get(pid) ?? 0) * TASKS_A_PROCESS,
      );
    }
    return this.#taskOffsets[this.trace.columns.track[row]!]!;
  }

  /** Arguments of a row; none for what is no JSON object. */
  argsOf(row: number): Readonly<Record<string, unknown>> {
    const id = this.trace.columns.args[row]!;
    return id === 0 ? {} : parsedArgs(this.trace.strings.text(id));
  }

  nameOf(row: number): string {
    return this.trace.strings.text(this.trace.columns.name[row]!);
  }

  /** String id of a category, or -1 when no event has it. */
  category(name: string): number {
    return this.trace.strings.find(name);
  }
}

const indices = new WeakMap<Trace, TraceIndex>();

/** The index of a trace, made when first asked for. */
export function indexOf(trace: Trace): TraceIndex {
  let index = indices.get(trace);
  if (index === undefined) {
    index = new TraceIndex(trace);
    indices.set(trace, index);
  }
  return index;
}

/** Arguments that stand in a file as text; {} where they are no object. */
export function parsedArgs(text: string): Readonly<Record<string, unknown>> {
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const TASKS_A_PROCESS = 2 ** 32;
/** Our writers put the task first; others may have it anywhere. */
const LEADING = new TextEncoder().encode('{"task":');
const TASK = new TextEncoder().encode('"task"');
const [COMMA, BRACE, ZERO, NINE] = [44, 125, 48, 57];

function taskIn(strings: Trace['strings'], args: number): number {
  const task =
    leadingTask(strings, args) ?? (strings.contains(args, TASK) ? parsedArgs(strings.text(args)).task : 0);
  return typeof task === 'number' && Number.isSafeInteger(task) && task > 0 && task < TASKS_A_PROCESS
    ? task
    : 0;
}

/** The number in `{"task":17,…`, read from its bytes: each task has arguments of its own, and texts of all of them would be kept. */
function leadingTask(strings: Trace['strings'], args: number): number | undefined {
  const length = strings.byteLengthOf(args);
  let at = 0;
  while (at < LEADING.length && at < length && strings.byteAt(args, at) === LEADING[at]) at++;
  if (at < LEADING.length) return undefined;
  let task = 0;
  for (; at < length; at++) {
    const byte = strings.byteAt(args, at);
    if (byte < ZERO || byte > NINE)
      return at > LEADING.length && (byte === COMMA || byte === BRACE) ? task : undefined;
    task = task * 10 + byte - ZERO;
  }
  return undefined;
}

function parentsIn(index: TraceIndex): Int32Array {
  const { trace, slices } = index;
  const { start, value } = trace.columns;
  const parents = new Int32Array(trace.length).fill(-1);
  const open: number[] = [];
  const ends: number[] = [];
  for (let track = 0; track < trace.tracks.length; track++) {
    let depth = 0;
    const to = slices.offsets[track + 1]!;
    for (let at = slices.offsets[track]!; at < to; at++) {
      const row = slices.rows[at]!;
      const begin = start[row]!;
      while (depth > 0 && ends[depth - 1]! <= begin) depth--;
      if (depth > 0) parents[row] = open[depth - 1]!;
      open[depth] = row;
      ends[depth++] = value[row]! < 0 ? index.end : begin + value[row]!;
    }
  }
  return parents;
}

function threadsOf(index: TraceIndex): Thread[] {
  const { tracks } = index.trace;
  const workerEvents = Array.from(index.rowsOf(Category.worker), (row) => ({
    row,
    threadId: index.argsOf(row).threadId,
  }));
  const lifeOf = threadLives(index.trace, workerEvents);
  const ownRows = new Map<string, number>();
  for (const [at, { kind, pid, category, id }] of tracks.entries()) {
    if (kind !== 'async' || (category !== Category.loop && category !== Category.sample)) continue;
    const tid = Number.parseInt(id, 16);
    ownRows.set(`${category} ${pid} ${tid}`, at);
  }
  const threads: Thread[] = [];
  for (const [track, { kind, pid, tid, name }] of tracks.entries()) {
    if (kind !== 'thread') continue;
    const loopTrack = ownRows.get(`${Category.loop} ${pid} ${tid}`) ?? -1;
    const sampleTrack = ownRows.get(`${Category.sample} ${pid} ${tid}`) ?? -1;
    threads.push({
      pid,
      tid,
      name: name === '' ? `thread ${tid}` : name,
      track,
      loopTrack,
      sampleTrack,
      ...lifeOf([track, loopTrack, sampleTrack].filter((at) => at >= 0)),
    });
  }
  return threads;
}
