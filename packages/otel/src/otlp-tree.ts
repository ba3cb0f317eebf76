/**
 * Who belongs to whom: of each slice the one that is its parent, of each instant and arrow's end the slice that has it. Over all rows
 * of the trace, whichever of them are sent, so that a part of a trace has the same ids as the whole.
 *
 * A slice lies in the innermost one around it on its track that is of the same task; else in its task. A task lies in the task that
 * it names as its parent. What belongs to no task lies in whatever is around it, or is a root.
 */
import { Category, EventKind, rowsInOrder, type Trace, type TrackRows } from '@ttrace/format';
import { type OwnIds, ownIdsIn, parentTaskIn, taskIn } from './otlp-arguments.ts';

/** Longest chain of owners that is followed, for what only a damaged file has: rings of spans that name each other as parents. */
const MAX_CLIMB = 10_000;

export class SpanTree {
  readonly rows: TrackRows;
  /** By row: its owner's row, -1 for none. No row is its own ancestor. */
  readonly owner: Int32Array;
  /** By row of a slice: the row whose ids say which trace it is of. */
  readonly root: Int32Array;
  /** How many rows of the same begin stand before one on its track, where there are any. */
  readonly ordinals: Map<number, number> = new Map();
  /** Ids that slices carry. */
  readonly ownIds: Map<number, OwnIds> = new Map();
  /** Rows that are the same operation as another row, which has their id as well. */
  readonly twins: Map<number, number> = new Map();
  readonly #trace: Trace;
  readonly #bySpanId = new Map<string, number>();
  /** Tasks + 1 by the string id of arguments; 0 = not looked at yet. */
  readonly #taskIds: Float64Array;
  readonly #idsOfArguments = new Map<number, OwnIds>();
  readonly #tasks = new Map<number, Map<number, number>>();
  readonly #taskCategory: number;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.rows = rowsInOrder(trace);
    this.owner = new Int32Array(trace.length).fill(-1);
    this.#taskIds = new Float64Array(trace.strings.size);
    this.#taskCategory = trace.strings.find(Category.task);
    this.#findTasks();
    for (let track = 0; track < trace.tracks.length; track++) this.#walk(track);
    this.#keepIds();
    this.root = this.#roots();
  }

  /** Id of the task that a row names; 0 = none. */
  taskOf(row: number): number {
    // hot: once a row and more. Texts are looked at once each.
    const id = this.#trace.columns.args[row]!;
    if (id === 0) return 0;
    let task = this.#taskIds[id]!;
    if (task === 0) {
      const text = this.#trace.strings.text(id);
      task = taskIn(text) + 1;
      this.#taskIds[id] = task;
      const ids = ownIdsIn(text);
      if (ids !== undefined) this.#idsOfArguments.set(id, ids);
    }
    return task - 1;
  }

  /** The nearest row among the owners of a row, itself not, that is one of `wanted`; -1 for none. */
  ownerAmong(row: number, wanted: Uint8Array): number {
    let at = this.owner[row]!;
    for (let steps = 0; at >= 0 && wanted[at] !== 1; at = this.owner[at]!) if (++steps > MAX_CLIMB) return -1;
    return at;
  }

  #findTasks(): void {
    const { columns, tracks, length } = this.#trace;
    const { kind, category, track } = columns;
    if (this.#taskCategory < 0) return;
    for (let row = 0; row < length; row++) {
      if (category[row] !== this.#taskCategory || kind[row] !== EventKind.slice) continue;
      const id = this.taskOf(row);
      if (id === 0) continue;
      const { pid } = tracks[track[row]!]!;
      const own = this.#tasks.get(pid) ?? new Map<number, number>();
      this.#tasks.set(pid, own);
      if (!own.has(id)) own.set(id, row);
    }
  }

  /** Goes through the rows of one track with the slices that are open. */
  #walk(at: number): void {
    const { columns, tracks } = this.#trace;
    const { kind, start, value, category } = columns;
    const { offsets, rows } = this.rows;
    const tasks = this.#tasks.get(tracks[at]!.pid);
    const open: number[] = [];
    const ends: number[] = [];
    let depth = 0;
    let last = Number.NaN;
    let sameStart = 0;
    for (let i = offsets[at]!; i < offsets[at + 1]!; i++) {
      const row = rows[i]!;
      const time = start[row]!;
      const isSlice = kind[row] === EventKind.slice;
      if (kind[row] === EventKind.counter) continue;
      // Ends of arrows have no ids.
      if (kind[row]! < EventKind.flowOut) {
        sameStart = time === last ? sameStart + 1 : 0;
        last = time;
        if (sameStart > 0) this.ordinals.set(row, sameStart);
      }
      const end = isSlice ? (value[row]! < 0 ? Infinity : time + value[row]!) : time;
      // A slice still encloses the moment of its end.
      while (depth > 0 && (ends[depth - 1]! < time || (ends[depth - 1] === time && end > time))) depth--;
      const around = depth > 0 ? open[depth - 1]! : -1;
      this.owner[row] =
        isSlice && category[row] === this.#taskCategory
          ? this.#parentOfTask(row, around, tasks)
          : this.#ownerOf(row, open, depth, tasks);
      if (!isSlice) continue;
      open[depth] = row;
      ends[depth++] = end;
    }
  }

  #parentOfTask(row: number, around: number, tasks: ReadonlyMap<number, number> | undefined): number {
    const parent = tasks?.get(parentTaskIn(this.#trace.strings.text(this.#trace.columns.args[row]!)));
    return parent !== undefined && parent !== row ? parent : around;
  }

  /** @param open slices that are open, the outermost first, `depth` of them. */
  #ownerOf(
    row: number,
    open: readonly number[],
    depth: number,
    tasks: ReadonlyMap<number, number> | undefined,
  ): number {
    const around = depth > 0 ? open[depth - 1]! : -1;
    const task = this.taskOf(row);
    if (task === 0) return around;
    for (let i = depth - 1; i >= 0; i--) if (this.taskOf(open[i]!) === task) return open[i]!;
    return tasks?.get(task) ?? around;
  }

  /**
   * Of several rows that carry one id, such as a request and the span that was open in it, the span is first: they are one operation.
   * What carries the id of a span and is no slice belongs to that span.
   */
  #keepIds(): void {
    if (this.#idsOfArguments.size === 0) return;
    const { columns, strings, length } = this.#trace;
    const span = strings.find(Category.span);
    const instants: number[] = [];
    for (let row = 0; row < length; row++) {
      const ids = this.#idsOfArguments.get(columns.args[row]!);
      if (ids === undefined) continue;
      if (columns.kind[row] === EventKind.instant) instants.push(row);
      if (columns.kind[row] !== EventKind.slice) continue;
      this.ownIds.set(row, ids);
      const key = ids.traceId + ids.spanId;
      const known = this.#bySpanId.get(key);
      if (known === undefined || (columns.category[row] === span && columns.category[known] !== span)) {
        this.#bySpanId.set(key, row);
        if (known !== undefined) this.#follow(known, row);
      } else this.#follow(row, known);
    }
    for (const [row, { traceId, parentSpanId }] of this.ownIds) {
      if (this.twins.has(row)) continue;
      if (parentSpanId !== '') this.owner[row] = this.#bySpanId.get(traceId + parentSpanId) ?? -1;
      else if (this.#isAncestor(row)) this.owner[row] = -1;
    }
    for (const row of instants) {
      const { traceId, spanId } = this.#idsOfArguments.get(columns.args[row]!)!;
      this.owner[row] = this.#bySpanId.get(traceId + spanId) ?? this.owner[row]!;
    }
  }

  /** A row is the same operation as another one, in which all that it has lies then. */
  #follow(row: number, first: number): void {
    this.twins.set(row, first);
    if (this.owner[first] === row) this.owner[first] = this.owner[row]!;
    this.owner[row] = first;
  }

  #isAncestor(row: number): boolean {
    let at = this.owner[row]!;
    for (let steps = 0; at >= 0 && at !== row && steps < MAX_CLIMB; steps++) at = this.owner[at]!;
    return at >= 0;
  }

  /** Finds roots, and cuts what is its own ancestor in a damaged file. */
  #roots(): Int32Array {
    const { owner } = this;
    const { kind } = this.#trace.columns;
    const roots = new Int32Array(owner.length).fill(-1);
    const path: number[] = [];
    // By row: the number of the climb that has passed it.
    const passed = new Int32Array(owner.length);
    for (let row = 0; row < owner.length; row++) {
      if (kind[row] !== EventKind.slice) continue;
      let at = row;
      path.length = 0;
      while (roots[at] === -1 && owner[at] !== -1 && !this.ownIds.has(at)) {
        passed[at] = row + 1;
        path.push(at);
        if (passed[owner[at]!] === row + 1) owner[at] = -1;
        else at = owner[at]!;
      }
      const root = roots[at] === -1 ? at : roots[at]!;
      roots[at] = root;
      for (const each of path) roots[each] = root;
    }
    return roots;
  }
}
