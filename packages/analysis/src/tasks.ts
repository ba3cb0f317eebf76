/** The tasks of a trace as a tree: what each is called, when it was, and which tasks were begun in it. */
import { Category, EventKind } from '@ttrace/format';
import type { TableLink } from './table.ts';
import type { TraceIndex } from './trace-index.ts';

/** One task. Its fields are read from the trace when asked for: there may be millions. */
export class Task {
  readonly #tasks: Tasks;
  readonly row: number;
  /** As `TraceIndex.taskOf` gives it. */
  readonly number: number;
  /** Number of the task in which it was begun; 0 = none. That one need not be in the trace. */
  readonly parent: number;

  constructor(tasks: Tasks, row: number) {
    this.#tasks = tasks;
    this.row = row;
    this.number = tasks.index.taskOf(row);
    this.parent = parentOf(tasks.index, row);
  }

  get name(): string {
    return this.#tasks.index.nameOf(this.row);
  }

  /** Nanoseconds since the trace's origin. */
  get start(): number {
    return this.#tasks.index.trace.columns.start[this.row]!;
  }

  /** A task without an end lasts until the trace's. */
  get end(): number {
    return this.#tasks.index.endOf(this.row);
  }

  get isComplete(): boolean {
    return this.#tasks.index.trace.columns.value[this.row]! >= 0;
  }

  /** Its subtasks, in the order of their begin. */
  get children(): readonly Task[] {
    return this.#tasks.childrenOf(this);
  }
}

/** The tasks of a trace. Each is one object, however often it is asked for. */
export class Tasks {
  readonly index: TraceIndex;
  /** Their rows, in the order of their begin. */
  readonly rows: Uint32Array;
  /** Places in `rows` + 1 by task number, where numbers are dense. */
  readonly #dense: Uint32Array;
  /** The same for all others. */
  readonly #sparse: Map<number, number> = new Map();
  readonly #made: (Task | undefined)[] = [];
  #children: Map<number, Task[]> | undefined;
  /** Rows of each task's events, task after task in the order of `rows`. */
  #events: { readonly offsets: Uint32Array; readonly rows: Uint32Array } | undefined;

  constructor(index: TraceIndex) {
    this.index = index;
    this.rows = taskRows(index);
    this.#dense = new Uint32Array(this.rows.length * 4 + 1024);
    for (const [at, row] of this.rows.entries()) {
      const number = index.taskOf(row);
      if (number < this.#dense.length) this.#dense[number] = at + 1;
      else this.#sparse.set(number, at + 1);
    }
  }

  get all(): readonly Task[] {
    return Array.from(this.rows, (_, at) => this.at(at));
  }

  /** The last one of that number. */
  byNumber(number: number): Task | undefined {
    const place = this.placeOf(number);
    return place < 0 ? undefined : this.at(place);
  }

  /** Rows of all events that belong to a task, it and no subtask, in file order. */
  eventsOf({ number }: Task): Uint32Array {
    this.#events ??= this.#findEvents();
    const { offsets, rows } = this.#events;
    const place = this.placeOf(number);
    return rows.subarray(offsets[place], offsets[place + 1]);
  }

  /** Place in `rows` of the last one of that number; -1 for none. */
  placeOf(number: number): number {
    return (this.#dense[number] ?? this.#sparse.get(number) ?? 0) - 1;
  }

  #findEvents(): { offsets: Uint32Array; rows: Uint32Array } {
    const { index } = this;
    const { length } = index.trace;
    const places = new Int32Array(length);
    const ends = new Uint32Array(this.rows.length + 2);
    let count = 0;
    for (let row = 0; row < length; row++) {
      const task = index.taskOf(row);
      const place = task === 0 ? -1 : this.placeOf(task);
      places[row] = place;
      if (place < 0) continue;
      ends[place + 2]!++;
      count++;
    }
    for (let at = 2; at < ends.length; at++) ends[at]! += ends[at - 1]!;
    const rows = new Uint32Array(count);
    for (let row = 0; row < length; row++) {
      const place = places[row]!;
      if (place >= 0) rows[ends[place + 1]!++] = row;
    }
    // Filled up, each place holds where the next one begins.
    return { offsets: ends, rows };
  }

  /** Tasks whose row passes, in the order of their begin. */
  where(isWanted: (row: number) => boolean): Task[] {
    return this.places(isWanted).map((place) => this.at(place));
  }

  /** The same as places in `rows`. */
  places(isWanted: (row: number) => boolean): number[] {
    const found: number[] = [];
    for (let at = 0; at < this.rows.length; at++) if (isWanted(this.rows[at]!)) found.push(at);
    return found;
  }

  /** The task at a place in `rows`. */
  at(place: number): Task {
    this.#made[place] ??= new Task(this, this.rows[place]!);
    return this.#made[place];
  }

  childrenOf({ number }: Task): readonly Task[] {
    this.#children ??= this.#findChildren();
    return this.#children.get(number) ?? [];
  }

  #findChildren(): Map<number, Task[]> {
    const children = new Map<number, Task[]>();
    for (let at = 0; at < this.rows.length; at++) {
      const parent = parentOf(this.index, this.rows[at]!);
      if (parent === 0 || parent === this.index.taskOf(this.rows[at]!)) continue;
      const siblings = children.get(parent);
      if (siblings === undefined) children.set(parent, [this.at(at)]);
      else siblings.push(this.at(at));
    }
    return children;
  }
}

/** All tasks, found when first asked for. */
export function tasksOf(index: TraceIndex): Tasks {
  return index.once(findTasks);
}

function findTasks(index: TraceIndex): Tasks {
  return new Tasks(index);
}

/** The page of one task; undefined for 0, which is none. */
export function taskLink(number: number): TableLink | undefined {
  return number === 0 ? undefined : { page: 'task', filter: { task: `#${number}` } };
}

/** A task and all tasks below it. */
export function withDescendants(task: Task): Task[] {
  const found = [task];
  const seen = new Set(found);
  for (const each of found) {
    for (const child of each.children) {
      // A damaged file may name a task its own ancestor.
      if (seen.has(child)) continue;
      seen.add(child);
      found.push(child);
    }
  }
  return found;
}

/** Rows of all tasks, in the order of their begin. */
function taskRows(index: TraceIndex): Uint32Array {
  const { columns } = index.trace;
  const rows: number[] = [];
  let isSorted = true;
  let last = -Infinity;
  for (const row of index.rowsOf(Category.task)) {
    if (columns.kind[row] !== EventKind.slice || index.taskOf(row) === 0) continue;
    rows.push(row);
    const start = columns.start[row]!;
    if (start < last) isSorted = false;
    last = start;
  }
  if (!isSorted) rows.sort((a, b) => columns.start[a]! - columns.start[b]! || a - b);
  return Uint32Array.from(rows);
}

const PARENT = new TextEncoder().encode('"parent"');

function parentOf(index: TraceIndex, row: number): number {
  const { columns, strings } = index.trace;
  return strings.contains(columns.args[row]!, PARENT) ? index.taskNumber(row, index.argsOf(row).parent) : 0;
}
