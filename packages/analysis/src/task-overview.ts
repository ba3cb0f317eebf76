/** What there is to know about one task at a glance: where it stands among others, on which threads it ran, what it spent its time on. */
import { type Attribute, attributesOf } from './attributes.ts';
import { criticalPath, type StepKind, timeByKind } from './critical-path.ts';
import { type Task, tasksOf, withDescendants } from './tasks.ts';
import type { TraceIndex } from './trace-index.ts';

export interface TaskOverview {
  readonly task: Task;
  /** The tasks that it was begun in, the outermost first. */
  readonly ancestors: readonly Task[];
  /** All that the program or the recorder says of it. */
  readonly attributes: readonly Attribute[];
  /** Of it and its subtasks: tasks in all, and threads on which something of them ran. */
  readonly tasks: number;
  readonly threads: readonly string[];
  /** Its critical path by kind of step, in nanoseconds; adds up to the task's time. */
  readonly time: Readonly<Record<StepKind, number>>;
}

/** Linear in the number of its events, once those of all tasks have been found. */
export function taskOverview(index: TraceIndex, task: Task): TaskOverview {
  const tasks = withDescendants(task);
  return {
    task,
    ancestors: ancestorsOf(index, task),
    attributes: attributesOf(index, task.row),
    tasks: tasks.length,
    threads: threadsOf(index, tasks),
    time: timeByKind(criticalPath(index, task)),
  };
}

function ancestorsOf(index: TraceIndex, task: Task): Task[] {
  const tasks = tasksOf(index);
  const ancestors: Task[] = [];
  for (let at = tasks.byNumber(task.parent); at !== undefined; at = tasks.byNumber(at.parent)) {
    // A damaged file may name a task its own ancestor.
    if (at === task || ancestors.includes(at)) break;
    ancestors.unshift(at);
  }
  return ancestors;
}

function threadsOf(index: TraceIndex, tasks: readonly Task[]): string[] {
  const threads = new Set<string>();
  const { track } = index.trace.columns;
  for (const task of tasks) {
    for (const row of tasksOf(index).eventsOf(task)) {
      const name = index.threadOf(track[row]!)?.name;
      if (name !== undefined) threads.add(name);
    }
  }
  return [...threads];
}
