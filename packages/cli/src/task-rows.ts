/**
 * Which events belong to some tasks: those that carry the id of one of them or of a descendant, and what lies within their
 * slices without a task of its own, such as a garbage collection in a region. Task ids are unique within a process only.
 */
import { Argument, Category, EventKind, type Trace } from '@ttrace/format';
import { enclosingSlices } from './enclosing-slices.ts';
import { Failure } from './failure.ts';

/** Tasks by process and id: a task's parent, 0 for none. */
type TaskTable = Map<number, Map<number, number>>;

/** Tells rows of the named tasks and of all that descend from them. */
export interface TaskRows {
  readonly has: (row: number) => boolean;
  /** Whether the row is the slice of a task itself. */
  readonly isTask: (row: number) => boolean;
}

/**
 * Finds the rows of tasks that are named by name or by id.
 * @throws Failure when the trace has no such task.
 */
export function rowsOfTasks(trace: Trace, named: readonly string[]): TaskRows {
  const { kind, category, track, args } = trace.columns;
  const ids = new TaskIds(trace);
  const taskCategory = trace.strings.find(Category.task);
  const isTask = (row: number): boolean => kind[row] === EventKind.slice && category[row] === taskCategory;
  const wanted = withDescendants(tableOf(trace, ids, isTask), namedTasks(trace, ids, isTask, named));
  const enclosing = enclosingSlices(trace);
  const taskOf = (row: number): number => {
    for (let at = row; at >= 0; at = enclosing[at]!) {
      const task = isTask(at) ? ids.ofTask(at) : ids.of(args[at]!);
      if (task > 0) return task;
    }
    return 0;
  };
  return { isTask, has: (row) => wanted(trace.tracks[track[row]!]!.pid, taskOf(row)) };
}

/** Reads task ids out of arguments, each text once. */
class TaskIds {
  readonly #trace: Trace;
  /** Task by string id of the arguments; NaN = not looked at yet. */
  readonly #known: Float64Array;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#known = new Float64Array(trace.strings.size).fill(Number.NaN);
  }

  /** The task that arguments name, 0 for none. */
  of(args: number): number {
    if (args === 0) return 0;
    let task = this.#known[args]!;
    if (Number.isNaN(task)) {
      task = numberIn(this.#trace.strings.text(args), Argument.task);
      this.#known[args] = task;
    }
    return task;
  }

  /** The id of the task whose slice a row is; of other producers that of its track. */
  ofTask(row: number): number {
    const { columns, tracks } = this.#trace;
    const own = this.of(columns.args[row]!);
    if (own > 0) return own;
    const id = Number(tracks[columns.track[row]!]!.id || Number.NaN);
    return Number.isSafeInteger(id) && id > 0 ? id : 0;
  }

  parentOf(row: number): number {
    const { columns, strings } = this.#trace;
    const args = columns.args[row]!;
    return args === 0 ? 0 : numberIn(strings.text(args), Argument.parent);
  }
}

const LEADING_TASK = new RegExp(`^\\{"${Argument.task}":(\\d+)[,}]`);

/** A positive whole number among arguments, 0 where there is none. */
function numberIn(text: string, name: string): number {
  if (name === Argument.task) {
    // As the recorder writes them.
    const leading = LEADING_TASK.exec(text);
    if (leading !== null) return Number(leading[1]);
  }
  if (!text.includes(`"${name}"`)) return 0;
  try {
    const value: unknown = (JSON.parse(text) as Record<string, unknown>)[name];
    return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
  } catch {
    return 0;
  }
}

function tableOf(trace: Trace, ids: TaskIds, isTask: (row: number) => boolean): TaskTable {
  const table: TaskTable = new Map();
  for (let row = 0; row < trace.length; row++) {
    if (!isTask(row)) continue;
    const task = ids.ofTask(row);
    if (task === 0) continue;
    const { pid } = trace.tracks[trace.columns.track[row]!]!;
    const ofProcess = table.get(pid) ?? new Map<number, number>();
    table.set(pid, ofProcess);
    ofProcess.set(task, ids.parentOf(row));
  }
  return table;
}

/** Tasks by process and id that go by one of the names. */
function namedTasks(
  trace: Trace,
  ids: TaskIds,
  isTask: (row: number) => boolean,
  named: readonly string[],
): Map<number, Set<number>> {
  const { name, track } = trace.columns;
  const roots = new Map<number, Set<number>>();
  const left = new Set(named);
  const texts = new Set(named);
  for (let row = 0; row < trace.length; row++) {
    if (!isTask(row)) continue;
    const task = ids.ofTask(row);
    const own = trace.strings.text(name[row]!);
    const isNamed = texts.has(own) || (task > 0 && texts.has(String(task)));
    if (!isNamed) continue;
    left.delete(own);
    left.delete(String(task));
    const { pid } = trace.tracks[track[row]!]!;
    const ofProcess = roots.get(pid) ?? new Set<number>();
    roots.set(pid, ofProcess);
    ofProcess.add(task);
  }
  const [missing] = left;
  if (missing !== undefined) {
    throw new Failure(
      `there is no task ${missing} in the trace: ttrace summary lists the names of its tasks`,
    );
  }
  return roots;
}

/** Whether a task is one of the roots or below one. */
function withDescendants(
  table: TaskTable,
  roots: ReadonlyMap<number, ReadonlySet<number>>,
): (pid: number, task: number) => boolean {
  const answers = new Map<number, Map<number, boolean>>();
  return (pid, task) => {
    const ofProcess = roots.get(pid);
    if (ofProcess === undefined || task === 0) return false;
    const known = answers.get(pid) ?? new Map<number, boolean>();
    answers.set(pid, known);
    const path: number[] = [];
    let at = task;
    let isBelow = ofProcess.has(at);
    while (!isBelow && at !== 0 && !known.has(at)) {
      // Before its parents are asked, which in a damaged trace may be below it.
      known.set(at, false);
      path.push(at);
      at = table.get(pid)?.get(at) ?? 0;
      isBelow = ofProcess.has(at);
    }
    isBelow ||= known.get(at) === true;
    for (const child of path) known.set(child, isBelow);
    return isBelow;
  };
}
