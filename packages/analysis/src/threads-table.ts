/** Threads and how each spent its time: Go's goroutine analysis, with threads in place of goroutines. */
import { type Filter, isThreadWanted, keptIfWhole, stretchOf } from './filter.ts';
import { stateColumns, type WithStates } from './state-columns.ts';
import type { Column, Table } from './table.ts';
import { THREAD_STATES, threadTimes } from './thread-states.ts';
import type { Thread, TraceIndex } from './trace-index.ts';

export interface ThreadRow extends WithStates {
  readonly thread: Thread;
  /** Events on the thread's own track and on those of its loop and its samples. */
  readonly events: number;
  readonly dropped: number;
  /** Its life, as far as the trace covers it, in nanoseconds; of that what lies in the filter's stretch. */
  readonly totalNanos: number;
  readonly busyNanos: number;
}

/** All threads of which the trace has anything, the busiest first. Filter: from, to, thread. */
export function threadsTable(index: TraceIndex, filter: Filter = {}): Table<ThreadRow> {
  const { start, end } = stretchOf(index, filter);
  const rows = keptIfWhole(index, filter, threadRows);
  return {
    id: 'threads',
    title: 'Threads',
    help:
      'How each thread spent its time. The states do not overlap and add up to the total, which is the thread’s life, as far as the trace ' +
      'covers it. A thread that is busy all the time is where more work finds no room; blocked time is time in which nothing else could run on it.',
    columns: [...ownColumns(index), ...stateColumns(index, rows), ...SIZE_COLUMNS],
    rows,
    statesOf: ({ times }) => times,
    linkOf: ({ thread }) => ({
      page: 'regions/each',
      filter: { from: filter.from, to: filter.to, thread: `${thread.pid}/${thread.tid}` },
    }),
    spanOf: ({ thread }) => ({
      start: Math.max(start, thread.start) - index.start,
      end: Math.min(end, thread.end) - index.start,
    }),
    ...(rows.some(({ times }) => times.byState[THREAD_STATES.indexOf('unknown')]! > 0)
      ? { note: 'Threads without recorded event loops: between their slices nobody knows what they did.' }
      : {}),
  };
}

function threadRows(index: TraceIndex, filter: Filter = {}): ThreadRow[] {
  const counts = eventCounts(index);
  const { start, end } = stretchOf(index, filter);
  return index.threads
    .filter(
      (thread) => isThreadWanted(filter, thread) && (thread.end > thread.start || dropsOf(index, thread) > 0),
    )
    .map((thread): ThreadRow => {
      const from = Math.max(start, thread.start);
      const to = Math.min(end, thread.end);
      const times = threadTimes(index, thread, from, to);
      const [running, blocked, gc] = times.byState;
      return {
        thread,
        events: counts.get(thread) ?? 0,
        dropped: dropsOf(index, thread),
        totalNanos: Math.max(0, to - from),
        busyNanos: running! + blocked! + gc!,
        times,
      };
    })
    .filter(({ totalNanos, dropped }) => totalNanos > 0 || dropped > 0)
    .sort((a, b) => b.busyNanos - a.busyNanos);
}

function ownColumns(index: TraceIndex): Column<ThreadRow>[] {
  const hasPids = index.trace.processes.length > 1;
  const pid: Column<ThreadRow> = {
    id: 'pid',
    title: 'pid',
    unit: 'number',
    help: 'Process id.',
    of: ({ thread }) => thread.pid,
  };
  return [
    {
      id: 'thread',
      title: 'Thread',
      unit: 'text',
      help: 'Name of the thread.',
      of: ({ thread }) => thread.name,
    },
    ...(hasPids ? [pid] : []),
    {
      id: 'totalNanos',
      title: 'Total',
      unit: 'nanos',
      help: 'From its start to its end, as far as the trace covers them; of a thread whose life is not recorded from its first event to its last.',
      of: ({ totalNanos }) => totalNanos,
    },
    {
      id: 'busyShare',
      title: 'Busy',
      unit: 'share',
      help: 'Part of the total in which the thread was running, blocked or collecting garbage.',
      of: ({ busyNanos, totalNanos }) => (totalNanos > 0 ? busyNanos / totalNanos : undefined),
    },
    {
      id: 'dropped',
      title: 'Dropped',
      unit: 'count',
      help: 'Events that the recorder dropped, for its buffer was full.',
      of: ({ dropped }) => dropped,
    },
  ];
}

const SIZE_COLUMNS: readonly Column<ThreadRow>[] = [
  {
    id: 'tid',
    title: 'tid',
    unit: 'number',
    help: 'The system’s id of the thread.',
    of: ({ thread }) => thread.tid,
  },
  {
    id: 'events',
    title: 'Events',
    unit: 'count',
    help: 'Events on the thread, its loop and its samples.',
    of: ({ events }) => events,
  },
];

function dropsOf({ trace }: TraceIndex, { track }: Thread): number {
  return trace.tracks[track]!.dropped;
}

function eventCounts(index: TraceIndex): Map<Thread, number> {
  const { trace } = index;
  const byTrack = new Float64Array(trace.tracks.length);
  for (let row = 0; row < trace.length; row++) byTrack[trace.columns.track[row]!]!++;
  const counts = new Map<Thread, number>();
  byTrack.forEach((count, track) => {
    const thread = index.threadOf(track);
    if (thread !== undefined) counts.set(thread, (counts.get(thread) ?? 0) + count);
  });
  return counts;
}
