/** Garbage collections by thread and kind, and one by one: how often they stopped a thread, and for how long. */
import { collectionsIn } from './collections.ts';
import { durationColumns, sortedNumbers, sumOf, type WithDurations } from './duration-columns.ts';
import { type Filter, rowFilter, stretchOf } from './filter.ts';
import { histogramOf } from './histogram.ts';
import type { Column, Span, Table } from './table.ts';
import type { Thread, TraceIndex } from './trace-index.ts';
import { collectionNote } from './unrecorded.ts';

/** Collections of one kind on one thread. */
export interface GcRow extends WithDurations {
  readonly thread: Thread;
  readonly kind: string;
  /** Part of the thread's time, as far as the filter's stretch has it, inside these collections. */
  readonly share: number;
  /** The longest, in nanoseconds since the origin. */
  readonly worst: Span;
}

/** A row for each thread and kind, the most time first. Filter: all of it; `name` is the kind. */
export function gcTable(index: TraceIndex, filter: Filter = {}): Table<GcRow> {
  const groups = new Map<string, { thread: Thread; kind: string; rows: number[] }>();
  for (const { row, thread, kind } of collectionsOf(index, filter)) {
    const key = `${thread.track} ${kind}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { thread, kind, rows: [row] });
    else group.rows.push(row);
  }
  const rows = [...groups.values()]
    .map((group) => gcRow(index, filter, group))
    .sort((a, b) => sumOf(b.durations) - sumOf(a.durations));
  return {
    id: 'gc',
    title: 'Garbage collections',
    help:
      'While a thread collects garbage it runs nothing else. Minor collections are short and many: their number follows how much is allocated. Major ' +
      'ones grow with what is kept. A high share of a thread’s time calls for fewer allocations, a long maximum for less that stays in memory.',
    columns: gcColumns(index),
    rows,
    histogramOf: ({ durations }) => histogramOf(durations),
    spanOf: ({ worst }) => ({ start: worst.start - index.start, end: worst.end - index.start }),
    linkOf: ({ thread, kind }) => ({
      page: 'gc/each',
      filter: { thread: `${thread.pid}/${thread.tid}`, name: kind },
    }),
    ...collectionNote(index),
  };
}

function gcRow(
  index: TraceIndex,
  filter: Filter,
  { thread, kind, rows }: { thread: Thread; kind: string; rows: readonly number[] },
): GcRow {
  const { start, value } = index.trace.columns;
  const stretch = stretchOf(index, filter);
  const from = Math.max(stretch.start, thread.start);
  const to = Math.min(stretch.end, thread.end);
  let inside = 0;
  let worst = rows[0]!;
  for (const row of rows) {
    inside += Math.max(0, Math.min(to, index.endOf(row)) - Math.max(from, start[row]!));
    if (index.endOf(row) - start[row]! > index.endOf(worst) - start[worst]!) worst = row;
  }
  const finished = rows.filter((row) => value[row]! >= 0);
  return {
    thread,
    kind,
    durations: sortedNumbers(finished, (row) => value[row]!),
    unfinished: rows.length - finished.length,
    share: to > from ? inside / (to - from) : 0,
    worst: { start: start[worst]!, end: index.endOf(worst) },
  };
}

function gcColumns(index: TraceIndex): Column<GcRow>[] {
  const [count, unfinished, total, ...more] = durationColumns<GcRow>('collections');
  const max = more.pop();
  return [
    ...threadColumns<GcRow>(index, ({ thread }) => thread),
    { id: 'kind', title: 'Kind', unit: 'text', help: 'Kind of collection.', of: ({ kind }) => kind },
    count!,
    unfinished!,
    total!,
    {
      id: 'share',
      title: 'Of the thread',
      unit: 'share',
      help: 'Part of the thread’s life inside these collections.',
      of: ({ share }) => share,
    },
    max!,
    ...more,
  ];
}

/** One collection. */
export interface CollectionRow {
  readonly row: number;
  readonly thread: Thread;
  readonly kind: string;
}

/** Collections one by one, the longest first. Filter: all of it. */
export function eachCollectionTable(index: TraceIndex, filter: Filter = {}): Table<CollectionRow> {
  const { start } = index.trace.columns;
  const duration = (row: number): number => index.endOf(row) - start[row]!;
  const startOf = (row: number): number => start[row]! - index.start;
  return {
    id: 'gc',
    title: 'Each garbage collection',
    help: 'Collections one by one, the longest first. Look at what ran just before a long one: it allocated what was collected.',
    columns: [
      {
        id: 'kind',
        title: 'Kind',
        unit: 'text',
        help: 'Kind of collection.',
        of: ({ kind }) => kind,
      },
      ...threadColumns<CollectionRow>(index, ({ thread }) => thread),
      {
        id: 'startNanos',
        title: 'When',
        unit: 'time',
        help: 'Its begin, since the first event.',
        of: ({ row }) => startOf(row),
      },
      {
        id: 'durationNanos',
        title: 'Duration',
        unit: 'nanos',
        help: 'From its begin to its end.',
        of: ({ row }) => duration(row),
      },
    ],
    rows: collectionsOf(index, filter).sort((a, b) => duration(b.row) - duration(a.row)),
    spanOf: ({ row }) => ({ start: startOf(row), end: startOf(row) + duration(row) }),
    ...collectionNote(index),
  };
}

function threadColumns<Row>(index: TraceIndex, threadOf: (row: Row) => Thread): Column<Row>[] {
  const pid: Column<Row> = {
    id: 'pid',
    title: 'pid',
    unit: 'number',
    help: 'Process id.',
    of: (row) => threadOf(row).pid,
  };
  return [
    {
      id: 'thread',
      title: 'Thread',
      unit: 'text',
      help: 'Name of the thread that it stopped.',
      of: (row) => threadOf(row).name,
    },
    ...(index.trace.processes.length > 1 ? [pid] : []),
  ];
}

/** Collections on threads, in file order. */
function collectionsOf(index: TraceIndex, { name, text, ...rest }: Filter): CollectionRow[] {
  const { track } = index.trace.columns;
  const isWanted = rowFilter(index, rest);
  // A kind may have another name in the file.
  const hasText = rowFilter(index, { text });
  const words = text?.toLowerCase() ?? '';
  const collections = collectionsIn(index);
  const found: CollectionRow[] = [];
  for (const row of collections.rows) {
    if (!isWanted(row)) continue;
    const kind = collections.kindOf(row);
    if (name !== undefined && name !== kind) continue;
    if (!kind.toLowerCase().includes(words) && !hasText(row)) continue;
    const thread = index.threadOf(track[row]!);
    if (thread !== undefined) found.push({ row, thread, kind });
  }
  return found;
}
