/** One task: its events one after the other, as Go's page of a task lists them, and its critical path. */
import { Argument, Category, EventKind } from '@ttrace/format';
import { tellingAttributes } from './attributes.ts';
import { criticalPath, type Step, type StepKind } from './critical-path.ts';
import type { Filter } from './filter.ts';
import { countText } from './quantity.ts';
import { traceFilter } from './spans-table.ts';
import type { RelatedTable, Table } from './table.ts';
import { taskColumns } from './task-columns.ts';
import { taskOverview } from './task-overview.ts';
import { type Task, tasksOf, withDescendants } from './tasks.ts';
import type { TraceIndex } from './trace-index.ts';
import { producerNote } from './unrecorded.ts';

/** The task that a filter means: `#ID` itself, of a name the slowest, without either the slowest of all. */
export function chosenTask(index: TraceIndex, { task: wanted }: Filter): Task | undefined {
  const tasks = tasksOf(index);
  const id = /^#(\d+)$/.exec(wanted ?? '')?.[1];
  if (id !== undefined) return tasks.byNumber(Number(id));
  return tasks
    .where((row) => wanted === undefined || index.nameOf(row) === wanted)
    .reduce<Task | undefined>(
      (a, b) => (a === undefined || b.end - b.start > a.end - a.start ? b : a),
      undefined,
    );
}

/** A moment in the life of a task. Times in nanoseconds. */
export interface TaskEvent {
  readonly time: number;
  /** Since the event before. */
  readonly elapsed: number;
  readonly thread: string;
  readonly what: string;
  /** Number of the task that it belongs to: it or a subtask. */
  readonly task: number;
  readonly row: number;
}

const MOST_EVENTS = 100_000;

/** The events of the task that the filter's `task` means, and of its subtasks. */
export function taskEventsTable(index: TraceIndex, filter: Filter = {}): Table<TaskEvent> {
  const task = chosenTask(index, filter);
  const rows = task === undefined ? [] : eventsOf(index, task);
  return {
    id: 'task',
    title: task === undefined ? 'Task' : titleOf(task),
    help: 'What happened in a task and its subtasks, one after the other: begins and ends of tasks and regions, logs, waits, messages. The task is the one that the filter names, of a name the slowest, without a filter the slowest of all.',
    columns: [
      {
        id: 'timeNanos',
        title: 'When',
        unit: 'time',
        help: 'Since the first event of the trace.',
        of: ({ time }) => time - index.start,
      },
      {
        id: 'elapsedNanos',
        title: 'Elapsed',
        unit: 'nanos',
        help: 'Since the event before.',
        of: ({ elapsed }) => elapsed,
      },
      {
        id: 'thread',
        title: 'Thread',
        unit: 'text',
        help: 'Thread on which it happened; none for what no thread has.',
        of: ({ thread }) => thread,
      },
      ...taskColumns<TaskEvent>(index, (event) => event.task, 'the task or the subtask that it belongs to'),
      {
        id: 'what',
        title: 'What',
        unit: 'text',
        help: 'What happened; logs as [category] message, begins of tasks with their attributes.',
        of: ({ what }) => what,
      },
    ],
    rows: rows.slice(0, MOST_EVENTS),
    task: task && taskOverview(index, task),
    spanOf: ({ row, time }) => {
      const isSlice = index.trace.columns.kind[row] === EventKind.slice;
      const [start, end] = isSlice ? [index.trace.columns.start[row]!, index.endOf(row)] : [time, time];
      return { start: start - index.start, end: end - index.start };
    },
    related: task === undefined ? [] : relatedTo(index, task, 'critical-path', 'Critical path'),
    ...producerNote(index, Category.task, 'tasks'),
    ...(rows.length > MOST_EVENTS ? { note: `${rows.length - MOST_EVENTS} later events are left out.` } : {}),
  };
}

function titleOf(task: Task): string {
  return `Task ${task.name} #${task.number}${task.isComplete ? '' : ', unfinished'}`;
}

function eventsOf(index: TraceIndex, task: Task): TaskEvent[] {
  const { kind, start, value, track } = index.trace.columns;
  const events: Omit<TaskEvent, 'elapsed'>[] = [];
  for (const each of withDescendants(task)) {
    for (const row of tasksOf(index).eventsOf(each)) {
      if (kind[row]! >= EventKind.flowOut) continue;
      const thread = index.threadOf(track[row]!)?.name ?? '';
      const add = (time: number, what: string): number =>
        events.push({ time, thread, what, task: each.number, row });
      if (kind[row] !== EventKind.slice) add(start[row]!, described(index, row));
      else {
        const facts = each.row === row ? tellingAttributes(index, row) : '';
        add(start[row]!, `${described(index, row)} begin${facts === '' ? '' : `: ${facts}`}`);
        if (value[row]! >= 0) add(index.endOf(row), `${described(index, row)} end`);
      }
    }
  }
  events.sort((a, b) => a.time - b.time || a.row - b.row);
  return events.map((event, at) => ({
    ...event,
    elapsed: event.time - (events[at - 1]?.time ?? event.time),
  }));
}

function described(index: TraceIndex, row: number): string {
  const category = index.trace.strings.text(index.trace.columns.category[row]!);
  const name = index.nameOf(row);
  const args = index.argsOf(row);
  if (category === Category.log) return `[${name}] ${String(args[Argument.message] ?? '')}`;
  if (category === Category.task) {
    const parent = args[Argument.parent];
    return typeof parent === 'number' && parent > 0 ? `task ${name} (subtask of ${parent})` : `task ${name}`;
  }
  return category === '' ? name : `${category} ${name}`;
}

/** Other tables about a task. */
function relatedTo(
  index: TraceIndex,
  { number, name, row }: Task,
  page: string,
  title: string,
): RelatedTable[] {
  const filter = { task: `#${number}` };
  const { [Argument.traceId]: traceId, [Argument.spanId]: spanId } = index.argsOf(row);
  const trace = { title: `Trace ${traceId}, span ${spanId}`, page: 'spans' };
  return [
    { title, page, filter },
    { title: 'Its regions', page: 'regions/each', filter },
    { title: 'Its waits', page: 'locks/each', filter },
    { title: 'Blocks in it', page: 'blockers/each', filter },
    { title: `All tasks ${name}`, page: 'tasks/each', filter: { name } },
    ...(typeof traceId === 'string' ? [{ ...trace, filter: traceFilter(traceId) }] : []),
  ];
}

const KIND_HELP: Readonly<Record<StepKind, string>> = {
  running: 'code of the task ran',
  waiting: 'it waited for a lock, a queue or a pool',
  async: 'it awaited something that is recorded, such as a request',
  message: 'a message of it was on its way',
  gap: 'nothing of it is recorded',
};

/** A step, or several that are short. */
type PathRow = Omit<Step, 'kind'> & { readonly kind: StepKind | 'short' };

/** The critical path of the task that the filter's `task` means. */
export function criticalPathTable(index: TraceIndex, filter: Filter = {}): Table<PathRow> {
  const task = chosenTask(index, filter);
  const rows = task === undefined ? [] : criticalPath(index, task).steps;
  const total = task === undefined ? 0 : task.end - task.start;
  return {
    id: 'critical-path',
    title: task === undefined ? 'Critical path' : `Critical path of ${titleOf(task).replace('Task', 'task')}`,
    help:
      'Why a task took so long: what it did or waited for at each moment, from its begin to its end and over threads; of things side by side the one ' +
      `that the task had to wait for. The steps add up to the task. ${Object.entries(KIND_HELP)
        .map(([kind, help]) => `${kind}: ${help}`)
        .join(
          '; ',
        )}. The task is the one that the filter names, of a name the slowest, without a filter the slowest of all.`,
    columns: [
      {
        id: 'startNanos',
        title: 'When',
        unit: 'time',
        help: 'Begin of the step, since the first event.',
        of: ({ kind, start }) => (kind === 'short' ? undefined : start - index.start),
      },
      {
        id: 'durationNanos',
        title: 'Elapsed',
        unit: 'nanos',
        help: 'Length of the step.',
        of: ({ start, end }) => end - start,
      },
      {
        id: 'share',
        title: 'Share',
        unit: 'share',
        help: 'Part of the task’s time.',
        of: ({ start, end }) => (total > 0 ? (end - start) / total : undefined),
      },
      { id: 'kind', title: 'Kind', unit: 'text', help: 'What the step was.', of: ({ kind }) => kind },
      {
        id: 'name',
        title: 'What',
        unit: 'text',
        help: 'Name of the region, wait or message; of a gap, what its thread did.',
        of: ({ name }) => name,
      },
      {
        id: 'thread',
        title: 'Thread',
        unit: 'text',
        help: 'Thread on which it happened.',
        of: ({ thread }) => thread,
      },
    ],
    rows,
    inShort: () => withShortStepsFolded(rows, total),
    spanOf: ({ start, end }) => ({ start: start - index.start, end: end - index.start }),
    related: task === undefined ? [] : relatedTo(index, task, 'task', 'All events'),
    ...producerNote(index, Category.task, 'tasks'),
  };
}

/** A shorter step is of no account. */
const SHORT_SHARE = 0.01;

/** Steps under 1 % of the whole as one row at the end, as long as all of them, which says what most of that is. */
function withShortStepsFolded(steps: readonly Step[], total: number): readonly PathRow[] {
  const isShort = ({ start, end }: Step): boolean => end - start < SHORT_SHARE * total;
  const short = steps.filter(isShort);
  const [first] = short;
  if (first === undefined || short.length === 1) return steps;
  const times = new Map<string, number>();
  let nanos = 0;
  for (const { name, start, end } of short) {
    times.set(name, (times.get(name) ?? 0) + end - start);
    nanos += end - start;
  }
  const [most] = [...times].reduce((a, b) => (b[1] > a[1] ? b : a));
  const name = `${countText(short.length)} short steps, mostly ${most}`;
  const folded: PathRow = {
    kind: 'short',
    name,
    thread: '',
    start: first.start,
    end: first.start + nanos,
    row: -1,
  };
  return [...steps.filter((step) => !isShort(step)), folded];
}
