/**
 * Which events belong to some tasks: those that carry the number of one of them or of a descendant, and what lies within their
 * slices without a task of its own, such as a garbage collection in a region.
 */
import { enclosingSlices } from './enclosing-slices.ts';
import { type Task, tasksOf, withDescendants } from './tasks.ts';
import type { TraceIndex } from './trace-index.ts';

/** Tells rows of some tasks and of all that descend from them. */
export function rowsOfTasks(index: TraceIndex, tasks: readonly Task[]): (row: number) => boolean {
  const wanted = new Set(tasks.flatMap(withDescendants).map(({ number }) => number));
  const enclosing = enclosingSlices(index.trace);
  return (row) => {
    let task = 0;
    for (let at = row; at >= 0 && task === 0; at = enclosing[at]!) task = index.taskOf(at);
    return wanted.has(task);
  };
}

/** Ids that people see count from 1 in each process. */
const IDS_A_PROCESS = 2 ** 32;

/** Tasks by name, by number, or by the id that they have in their process; `#17` and `17` are the same. */
export function tasksCalled(index: TraceIndex, wanted: string): Task[] {
  const id = wanted.replace(/^#/, '');
  return tasksOf(index).all.filter(
    ({ name, number }) => name === wanted || String(number) === id || String(number % IDS_A_PROCESS) === id,
  );
}
