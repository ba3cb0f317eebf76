/** Tasks by name, and each task by itself: Go's pages of user tasks. */
import { Category } from '@ttrace/format';
import { tellingAttributes } from './attributes.ts';
import { durationColumns, sumOf, type WithDurations } from './duration-columns.ts';
import { type Filter, keptIfWhole, rowFilter } from './filter.ts';
import { histogramOf } from './histogram.ts';
import { slowTasksTable } from './slow-tasks.ts';
import type { Table } from './table.ts';
import { type Task, taskLink, tasksOf } from './tasks.ts';
import type { TraceIndex } from './trace-index.ts';
import { producerNote } from './unrecorded.ts';

/** All tasks of one name. */
export interface TaskTypeRow extends WithDurations {
  readonly name: string;
  readonly longest: Task;
}

/** Tasks by name, the longest total first. Filter: all of it; `name` is the task's. */
export function tasksTable(index: TraceIndex, filter: Filter = {}): Table<TaskTypeRow> {
  return {
    id: 'tasks',
    title: 'Tasks',
    help:
      'A task is one logical operation, such as a request or a job, over all threads and callbacks that take part in it. Requests that the program ' +
      'serves are tasks by themselves; others are what the program marks with withTask. A p99 far above the p50 is worth a look: open the slowest one.',
    columns: [
      { id: 'task', title: 'Task', unit: 'text', help: 'Name of the tasks.', of: ({ name }) => name },
      ...durationColumns<TaskTypeRow>('tasks'),
    ],
    rows: keptIfWhole(index, filter, taskTypes),
    spanOf: ({ longest }) => spanOfTask(index, longest),
    linkOf: ({ name }) => ({ page: 'tasks/each', filter: { name } }),
    histogramOf: ({ durations }) => histogramOf(durations),
    ...producerNote(index, Category.task, 'tasks'),
  };
}

function taskTypes(index: TraceIndex, filter: Filter = {}): TaskTypeRow[] {
  const tasks = tasksOf(index);
  const { name, value } = index.trace.columns;
  const groups = new Map<
    number,
    { durations: number[]; unfinished: number; longest: number; most: number }
  >();
  for (const place of wantedTasks(index, filter)) {
    const row = tasks.rows[place]!;
    let group = groups.get(name[row]!);
    if (group === undefined) {
      group = { durations: [], unfinished: 0, longest: place, most: -1 };
      groups.set(name[row]!, group);
    }
    const duration = value[row]!;
    if (duration < 0) group.unfinished++;
    else group.durations.push(duration);
    const length = duration < 0 ? index.endOf(row) - index.trace.columns.start[row]! : duration;
    if (length <= group.most) continue;
    group.longest = place;
    group.most = length;
  }
  return [...groups]
    .map(([id, { durations, unfinished, longest }]) => {
      const sorted = Float64Array.from(durations).sort();
      const row = { name: index.trace.strings.text(id), durations: sorted, unfinished };
      return { ...row, longest: tasks.at(longest), total: sumOf(sorted) };
    })
    .sort((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1));
}

/** One task. */
export interface TaskRow {
  readonly task: Task;
  /** Of all rows that belong to it: on how many threads they lie. */
  readonly threads: number;
  readonly events: number;
}

/** Tasks one by one, the slowest first; those without an end as long as the trace goes on. */
export function eachTaskTable(index: TraceIndex, filter: Filter = {}): Table<TaskRow> {
  const tasks = wantedTasks(index, filter).map((place) => tasksOf(index).at(place));
  const rows = taskRows(index, tasks).sort((a, b) => b.task.end - b.task.start - (a.task.end - a.task.start));
  return {
    id: 'tasks',
    title: 'Each task',
    help: 'Tasks one by one, the slowest first. One without an end counts as long as the trace goes on.',
    columns: [
      { id: 'task', title: 'Task', unit: 'text', help: 'Name of the task.', of: ({ task }) => task.name },
      {
        id: 'taskId',
        title: 'Task id',
        unit: 'number',
        help: 'Number of the task: the filter task=#ID means it.',
        of: ({ task }) => task.number,
      },
      {
        id: 'durationNanos',
        title: 'Elapsed',
        unit: 'nanos',
        help: 'From its begin to its end.',
        of: ({ task }) => task.end - task.start,
      },
      {
        id: 'attributes',
        title: 'Attributes',
        unit: 'text',
        help: 'What the program or the recorder says of it, without ids and what its name says already, shortened; its own page has all.',
        of: ({ task }) => tellingAttributes(index, task.row),
      },
      {
        id: 'startNanos',
        title: 'When',
        unit: 'time',
        help: 'Its begin, since the first event.',
        of: ({ task }) => task.start - index.start,
      },
      {
        id: 'state',
        title: 'State',
        unit: 'text',
        help: 'Whether it has ended.',
        of: ({ task }) => (task.isComplete ? '' : 'unfinished'),
      },
      {
        id: 'parentTaskId',
        title: 'Parent',
        unit: 'number',
        help: 'Number of the task in which it was begun.',
        of: ({ task }) => task.parent || undefined,
        linkOf: ({ task }) => taskLink(task.parent),
      },
      {
        id: 'subtasks',
        title: 'Subtasks',
        unit: 'count',
        help: 'Tasks that were begun in it.',
        of: ({ task }) => task.children.length,
      },
      {
        id: 'threads',
        title: 'Threads',
        unit: 'count',
        help: 'Threads on which something of it ran.',
        of: ({ threads }) => threads,
      },
      {
        id: 'events',
        title: 'Events',
        unit: 'count',
        help: 'Events that belong to it.',
        of: ({ events }) => events,
      },
    ],
    rows,
    spanOf: ({ task }) => spanOfTask(index, task),
    linkOf: ({ task }) => taskLink(task.number),
    // Of tasks of several names a mean means nothing.
    ...(filter.name === undefined ? {} : { aside: onceMade(() => slowTasksTable(index, tasks)) }),
    ...producerNote(index, Category.task, 'tasks'),
  };
}

function onceMade<T>(make: () => T): () => T {
  let made: { readonly it: T } | undefined;
  return () => {
    made ??= { it: make() };
    return made.it;
  };
}

/** A task's stretch of the timeline. */
export function spanOfTask(index: TraceIndex, { start, end }: Task): { start: number; end: number } {
  return { start: start - index.start, end: end - index.start };
}

/** Places of the tasks that a filter lets through. Its text is also looked for in what belongs to a task: Go's search of logs. */
function wantedTasks(index: TraceIndex, filter: Filter): number[] {
  const { thread, text, ...rest } = filter;
  const isWanted = rowFilter(index, rest);
  if (thread === undefined && text === undefined) return tasksOf(index).places(isWanted);
  const touched = tasksTouched(index, { thread, text });
  return tasksOf(index).places((row) => isWanted(row) && touched.has(index.taskOf(row)));
}

/** Numbers of tasks of which at least one row passes. */
function tasksTouched(index: TraceIndex, filter: Filter): ReadonlySet<number> {
  const isWanted = rowFilter(index, filter);
  const touched = new Set<number>();
  for (let row = 0; row < index.trace.length; row++) {
    const task = index.taskOf(row);
    if (task !== 0 && !touched.has(task) && isWanted(row)) touched.add(task);
  }
  return touched;
}

/** Counts the events of each task, and the threads on which they lie: one, but for few tasks. */
function taskRows(index: TraceIndex, wanted: readonly Task[]): TaskRow[] {
  const tasks = tasksOf(index);
  const events = new Uint32Array(tasks.rows.length);
  const first = new Int32Array(tasks.rows.length).fill(-1);
  const several = new Map<number, Set<number>>();
  const { track } = index.trace.columns;
  const threadTracks = index.trace.tracks.map((_, at) => index.threadOf(at)?.track ?? -1);
  for (let row = 0; row < index.trace.length; row++) {
    const task = index.taskOf(row);
    const place = task === 0 ? -1 : tasks.placeOf(task);
    if (place < 0) continue;
    events[place]!++;
    const thread = threadTracks[track[row]!]!;
    if (thread < 0 || thread === first[place]) continue;
    if (first[place]! < 0) first[place] = thread;
    else several.set(place, (several.get(place) ?? new Set([first[place]!])).add(thread));
  }
  return wanted.map((task): TaskRow => {
    const place = tasks.placeOf(task.number);
    const threads = several.get(place)?.size ?? (first[place]! < 0 ? 0 : 1);
    return { task, threads, events: events[place]! };
  });
}
