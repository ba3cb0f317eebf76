/** The relations of a trace: what Parquet files and `ttrace query` have, and the views that the latter adds. */
import { EventKind } from '@ttrace/format';
import { arrowsOf } from '../arrows.ts';
import { type Task, tasksOf } from '../tasks.ts';
import { type StateTimes, THREAD_STATES, threadTimes } from '../thread-states.ts';
import type { Thread, TraceIndex } from '../trace-index.ts';
import { column, defineRelation, optional, type ReadColumn, type Relation } from './relation.ts';
import {
  ARGUMENTS,
  CATEGORY,
  NAME,
  PLACE,
  PROCESS,
  startReader,
  TASK,
  WALL,
  wallClock,
  whole,
} from './row-columns.ts';
import { rowsOfKind, SLICES } from './slices-relation.ts';

/** A part of a relation under a name of its own. */
export interface RelationView {
  readonly name: string;
  readonly help: string;
  readonly sql: string;
}

const TASKS: Relation = defineRelation<Task>('tasks', 'A task.', (index) => tasksOf(index).all, [
  column(
    'task_id',
    'int64',
    'Its number in the trace.',
    () =>
      ({ number }) =>
        number,
  ),
  optional(
    'parent_id',
    'int64',
    'The task in which it was begun.',
    () =>
      ({ parent }) =>
        parent || null,
  ),
  column(
    'name',
    'text',
    'Its name.',
    () =>
      ({ name }) =>
        name,
  ),
  optional('start_ns', 'int64', 'Begin, since the first event of the trace.', (index) => ({ start }) => {
    return whole(start - index.start);
  }),
  optional(
    'duration_ns',
    'int64',
    'How long it lasted; null when it has no end in the trace.',
    () => (task) => (task.isComplete ? whole(task.end - task.start) : null),
  ),
  optional('wall_ns', 'int64', WALL.help, (index) => {
    const wall = wallClock(index);
    return ({ start }) => wall(start);
  }),
  ...[...PROCESS, ARGUMENTS].map(ofTask),
  column(
    'slice_id',
    'int64',
    'The slice that it is.',
    () =>
      ({ row }) =>
        row,
  ),
]);

function ofTask({ reader, ...rest }: ReadColumn<number>): ReadColumn<Task> {
  return {
    ...rest,
    reader: (index) => {
      const read = reader(index);
      return ({ row }) => read(row);
    },
  };
}

const INSTANTS: Relation = defineRelation<number>(
  'instants',
  'A moment: a log, an error, a mark, what was seen later in a block.',
  (index) => rowsOfKind(index, EventKind.instant),
  [
    column('instant_id', 'int64', 'Its number in the trace.', () => (row) => row),
    NAME,
    CATEGORY,
    optional('time_ns', 'int64', 'When, since the first event of the trace.', startReader),
    WALL,
    TASK,
    ...PLACE,
    ARGUMENTS,
  ],
);

const COUNTERS: Relation = defineRelation<number>(
  'counters',
  'A value of a counter at a moment.',
  (index) => rowsOfKind(index, EventKind.counter),
  [
    column('name', 'text', 'Name of the counter.', ({ trace }) => (row) => {
      return trace.tracks[trace.columns.track[row]!]!.name;
    }),
    optional('time_ns', 'int64', 'When, since the first event of the trace.', startReader),
    WALL,
    column(
      'value',
      'double',
      'Its value from then on.',
      ({ trace }) =>
        (row) =>
          trace.columns.value[row]!,
    ),
    optional('unit', 'text', 'Unit of the value.', ({ trace }) => (row) => {
      return trace.tracks[trace.columns.track[row]!]!.unit || null;
    }),
    ...PROCESS,
  ],
);

const FLOWS: Relation = defineRelation<number>(
  'flows',
  'An arrow from the slice that sends something, or lets another go on, to the slice in which it arrives.',
  (index) => Uint32Array.from({ length: arrowsOf(index).length }, (_, at) => at),
  [
    ...flowEnd('from', 'sent_ns', 'sent', (index) => {
      const { outSlice, outTime, outTrack } = arrowsOf(index);
      return { slice: outSlice, time: outTime, track: outTrack };
    }),
    ...flowEnd('to', 'received_ns', 'received', (index) => {
      const { inSlice, inTime, inTrack } = arrowsOf(index);
      return { slice: inSlice, time: inTime, track: inTrack };
    }),
    optional('latency_ns', 'int64', 'Time between the two.', (index) => {
      const { outTime, inTime } = arrowsOf(index);
      return (at) => whole(inTime[at]! - outTime[at]!);
    }),
  ],
);

interface FlowEnd {
  readonly slice: Int32Array;
  readonly time: Float64Array;
  readonly track: Int32Array;
}

function flowEnd(
  end: 'from' | 'to',
  time: string,
  verb: string,
  of: (index: TraceIndex) => FlowEnd,
): ReadColumn<number>[] {
  const help = `null when it was not ${verb} in the trace.`;
  return [
    optional(`${end}_slice_id`, 'int64', `The slice at that end; ${help}`, (index) => {
      const { slice } = of(index);
      return (at) => (slice[at]! < 0 ? null : slice[at]!);
    }),
    optional(time, 'int64', `When it was ${verb}, since the first event; ${help}`, (index) => {
      const { time: times } = of(index);
      return (at) => whole(times[at]! - index.start);
    }),
    optional(`${end}_thread`, 'text', 'Name of the thread at that end.', (index) => {
      const { track } = of(index);
      return (at) => (track[at]! < 0 ? null : (index.threadOf(track[at]!)?.name ?? null));
    }),
    optional(`${end}_pid`, 'int64', 'Process at that end.', (index) => {
      const { track } = of(index);
      const { tracks } = index.trace;
      return (at) => (track[at]! < 0 ? null : tracks[track[at]!]!.pid);
    }),
  ];
}

const THREADS: Relation = defineRelation<Thread>(
  'threads',
  'A thread, and how it spent its time: states do not overlap and add up to its life, as far as the trace covers it.',
  ({ threads }) => threads,
  [
    column(
      'pid',
      'int64',
      'Process.',
      () =>
        ({ pid }) =>
          pid,
    ),
    column(
      'tid',
      'int64',
      'The thread; (pid, tid) is unique.',
      () =>
        ({ tid }) =>
          tid,
    ),
    column(
      'name',
      'text',
      'Its name.',
      () =>
        ({ name }) =>
          name,
    ),
    column('process', 'text', 'Name of the process.', ({ trace }) => ({ pid }) => {
      return trace.processes.find((process) => process.pid === pid)?.name ?? '';
    }),
    column(
      'start_ns',
      'int64',
      'Its start, or what the trace has first of it, since the first event of the trace.',
      (index) =>
        ({ start, end }) => {
          return end > start ? whole(start - index.start) : 0;
        },
    ),
    column(
      'duration_ns',
      'int64',
      'Its life from then on, as far as the trace covers it.',
      () =>
        ({ start, end }) =>
          whole(end - start),
    ),
    ...THREAD_STATES.map((state, number) =>
      column<Thread>(
        `${state}_ns`,
        'int64',
        `Of that, time in which it was ${state}.`,
        (index) => (thread) => {
          return whole(timesOf(index, thread).byState[number]!);
        },
      ),
    ),
    column('dropped', 'int64', 'Events that the recorder had no room for.', ({ trace }) => ({ track }) => {
      return trace.tracks[track]?.dropped ?? 0;
    }),
  ],
);

function timesOf(index: TraceIndex, thread: Thread): StateTimes {
  const known = index.once(noTimes);
  let times = known.get(thread);
  if (times === undefined) {
    times = threadTimes(index, thread, thread.start, thread.end);
    known.set(thread, times);
  }
  return times;
}

function noTimes(): Map<Thread, StateTimes> {
  return new Map();
}

const TRACE: Relation = defineRelation<TraceIndex>(
  'trace',
  'The trace itself: one row.',
  (index) => [index],
  [
    column(
      'format',
      'text',
      'Format of its file.',
      () =>
        ({ trace }) =>
          trace.format,
    ),
    column(
      'events',
      'int64',
      'Number of events.',
      () =>
        ({ trace }) =>
          trace.length,
    ),
    column(
      'duration_ns',
      'int64',
      'From the first event to the last.',
      () =>
        ({ start, end }) =>
          whole(end - start),
    ),
    column(
      'clock_ns',
      'int64',
      'The first event on the clock of the machine (process.hrtime): add it to start_ns to lay traces of one machine side by side.',
      () =>
        ({ trace, start }) =>
          trace.origin + BigInt(Math.round(start)),
    ),
    optional('wall_ns', 'int64', 'The first event in nanoseconds since 1970.', (index) => {
      const wall = wallClock(index);
      return ({ start }) => wall(start);
    }),
    optional(
      'error',
      'text',
      'Why reading the file stopped early.',
      () =>
        ({ trace }) =>
          trace.error?.message ?? null,
    ),
  ],
);

/** All of them, in the order in which help lists them. */
export const RELATIONS: readonly Relation[] = [SLICES, TASKS, INSTANTS, COUNTERS, FLOWS, THREADS, TRACE];

/** What `ttrace query` has besides, and what anybody can make of the Parquet files in the same way. */
export const RELATION_VIEWS: readonly RelationView[] = [
  {
    name: 'regions',
    help: 'The slices that are regions, asynchronous ones included.',
    sql: "SELECT * FROM slices WHERE category = 'region'",
  },
  {
    name: 'blocks',
    help: 'The slices that are turns of an event loop which blocked it.',
    sql: "SELECT * FROM slices WHERE category = 'loop' AND arguments LIKE '%\"blocked\":true%'",
  },
  {
    name: 'logs',
    help: 'The instants that are logs.',
    sql: "SELECT * FROM instants WHERE category = 'log'",
  },
];
