/** The tasks of a trace as a tree: what each is called, when it was, and which tasks were begun in it. */
import { Category, EventKind } from '@ttrace/format';
import type { TableLink } from './table.ts';
import type { TraceIndex } from './trace-index.ts';

export interface Task {
  /** As `TraceIndex.taskOf` gives it. */
  readonly number: number;
  readonly name: string;
  readonly row: number;
  /** Number of the task in which it was begun; 0 = none. That one need not be in the trace. */
  readonly parent: number;
  /** Nanoseconds since the trace's origin. A task without an end lasts until the trace's. */
  readonly start: number;
  readonly end: number;
  readonly isComplete: boolean;
  /** Its subtasks, in the order of their begin. */
  readonly children: readonly Task[];
}

export interface Tasks {
  /** In the order of their begin. */
  readonly all: readonly Task[];
  readonly byNumber: ReadonlyMap<number, Task>;
}

/** All tasks, found when first asked for. */
export function tasksOf(index: TraceIndex): Tasks {
  return index.once(findTasks);
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

/** Of most tasks: an array for each is a third of what they take. */
const NONE: readonly Task[] = [];

function findTasks(index: TraceIndex): Tasks {
  const { columns, length } = index.trace;
  const category = index.category(Category.task);
  const all: (Task & { children: readonly Task[] })[] = [];
  for (let row = 0; row < length; row++) {
    if (columns.category[row] !== category || columns.kind[row] !== EventKind.slice) continue;
    const number = index.taskOf(row);
    if (number === 0) continue;
    all.push({
      number,
      name: index.nameOf(row),
      row,
      parent: parentOf(index, row),
      start: columns.start[row]!,
      end: index.endOf(row),
      isComplete: columns.value[row]! >= 0,
      children: NONE,
    });
  }
  all.sort((a, b) => a.start - b.start || a.row - b.row);
  const byNumber = new Map<number, (typeof all)[number]>();
  for (const task of all) byNumber.set(task.number, task);
  for (const task of all) {
    const parent = task.parent === 0 || task.parent === task.number ? undefined : byNumber.get(task.parent);
    if (parent === undefined) continue;
    if (parent.children === NONE) parent.children = [task];
    else (parent.children as Task[]).push(task);
  }
  return { all, byNumber };
}

function parentOf(index: TraceIndex, row: number): number {
  const text = index.trace.strings.text(index.trace.columns.args[row]!);
  return text.includes('"parent"') ? index.taskNumber(row, index.argsOf(row).parent) : 0;
}
