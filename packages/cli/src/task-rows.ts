/**
 * Which events belong to some tasks: those that carry the id of one of them or of a descendant, and what lies within their
 * slices without a task of its own, such as a garbage collection in a region.
 */
import { indexOf, type Task, tasksOf, withDescendants } from '@ttrace/analysis';
import type { Trace } from '@ttrace/format';
import { enclosingSlices } from './enclosing-slices.ts';
import { Failure } from './failure.ts';

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
  const index = indexOf(trace);
  const { all } = tasksOf(index);
  const own = new Set(all.map(({ row }) => row));
  const wanted = new Set(
    named.flatMap((name) => namedTasks(all, name).flatMap(withDescendants)).map(({ number }) => number),
  );
  const enclosing = enclosingSlices(trace);
  const has = (row: number): boolean => {
    let task = 0;
    for (let at = row; at >= 0 && task === 0; at = enclosing[at]!) task = index.taskOf(at);
    return wanted.has(task);
  };
  return { has, isTask: (row) => own.has(row) };
}

/** Ids that people see count from 1 in each process. */
const IDS_A_PROCESS = 2 ** 32;

function namedTasks(all: readonly Task[], wanted: string): Task[] {
  const id = wanted.replace(/^#/, '');
  const found = all.filter(
    ({ name, number }) => name === wanted || String(number) === id || String(number % IDS_A_PROCESS) === id,
  );
  if (found.length > 0) return found;
  throw new Failure(`there is no task ${wanted} in the trace: ttrace tasks lists the names of its tasks`);
}
