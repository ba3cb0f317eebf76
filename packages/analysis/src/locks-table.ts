/**
 * Waits for locks, channels, queues and pools, by what was waited for: how long, by whom, how long it was held and how much of that while
 * others waited, and who let whom go on.
 *
 * The recorder names a wait for X `X wait`, the time that somebody has X `X` or `X run` on a row of its own, and puts an arrow from who lets
 * others go on to the end of the wait, `X wait over`. Words of shared memory are named by memory-words.ts; who has one, nobody knows.
 */
import { Category, EventKind } from '@ttrace/format';
import { someOf } from './blockers-table.ts';
import { asyncRegionTracks } from './continued-regions.ts';
import { sortedNumbers, sumOf } from './duration-columns.ts';
import { type Filter, keptIfWhole, rowFilter } from './filter.ts';
import { type Handover, handoversByName } from './handovers.ts';
import { histogramOf } from './histogram.ts';
import { isWordWait, waitedFor } from './memory-words.ts';
import { percentile } from './name-stats.ts';
import { countText, timeText } from './quantity.ts';
import type { Table } from './table.ts';
import { taskColumns } from './task-columns.ts';
import { tasksOf } from './tasks.ts';
import type { TraceIndex } from './trace-index.ts';
import { producerNote } from './unrecorded.ts';
import { actingThread, baseOf, isOfThread, RUN, WAIT, waitRows } from './wait-rows.ts';

/** Holds of one thing by tasks of one name on one thread. Times in nanoseconds. */
export interface HeldBy {
  /** '' for those in no task. */
  readonly task: string;
  /** '' where the trace does not say. */
  readonly thread: string;
  readonly count: number;
  readonly totalNanos: number;
  readonly maxNanos: number;
}

/** One thing that is waited for. */
export interface LockRow {
  readonly name: string;
  /** Lengths of finished waits in nanoseconds, sorted. */
  readonly waits: Float64Array;
  readonly unfinished: number;
  readonly longest: number;
  /** Whether the trace tells who had it and when; with a thread in the filter, whether that thread had it. */
  readonly isHeldKnown: boolean;
  /** How often it was held, and for how long over all holders. */
  readonly holds: number;
  readonly heldNanos: number;
  /** Rows of these holds. */
  readonly heldRows: readonly number[];
  /** Whose holds these were, by the names of their tasks and by thread, the longest total first. */
  readonly heldBy: readonly HeldBy[];
  /** Part of the time in which somebody had it and somebody else waited. */
  readonly contendedNanos: number;
  readonly maxWaiting: number;
  /** Threads that waited, as far as the trace says. */
  readonly threads: ReadonlySet<string>;
  /** `holder → waiter`, how often the first let the second go on, and how long the second had waited since it last tried. */
  readonly handovers: readonly Handover[];
}

const HELP =
  'What threads and tasks waited for, the longest total first. Held is the time in which somebody had it, contended the part of that in which ' +
  'others waited: a lock that is contended for most of the time it is held makes its threads take turns. Hold it for less, or for less of the work.';

/**
 * By what was waited for. Filter: from, to, thread (whose waits, and whose holds), task, text, attribute, min, max; `name` with or without ` wait`.
 */
export function locksTable(index: TraceIndex, filter: Filter = {}): Table<LockRow> {
  return {
    id: 'locks',
    title: 'Locks and waits',
    help: HELP,
    columns: [
      {
        id: 'name',
        title: 'Waited for',
        unit: 'text',
        help: 'Name of the lock, channel, queue or pool, with its kind.',
        of: ({ name }) => name,
      },
      {
        id: 'contendedNanos',
        title: 'Contended',
        unit: 'nanos',
        help: 'Time in which somebody had it and others waited; empty where the trace does not say who had it.',
        of: ({ isHeldKnown, contendedNanos }) => (isHeldKnown ? contendedNanos : undefined),
      },
      {
        id: 'heldNanos',
        title: 'Held',
        unit: 'nanos',
        help: 'Time in which at least one had it, waited for or not.',
        of: ({ isHeldKnown, heldNanos }) => (isHeldKnown ? heldNanos : undefined),
      },
      {
        id: 'heldBy',
        title: 'Held by',
        unit: 'text',
        help: 'Tasks that had it, and on which thread: for how long together, how often, and for how long at most.',
        of: ({ heldBy }) => heldByText(heldBy),
      },
      {
        id: 'waitedNanos',
        title: 'Waited',
        unit: 'nanos',
        help: 'Time of all finished waits together.',
        of: ({ waits }) => sumOf(waits),
      },
      {
        id: 'waits',
        title: 'Waits',
        unit: 'count',
        help: 'How often somebody had to wait.',
        of: ({ waits, unfinished }) => waits.length + unfinished,
      },
      {
        id: 'maxWaiting',
        title: 'At once',
        unit: 'count',
        help: 'Most that waited at one time.',
        of: ({ maxWaiting }) => maxWaiting,
      },
      {
        id: 'maxNanos',
        title: 'Max',
        unit: 'nanos',
        help: 'The longest wait.',
        of: ({ waits }) => waits[waits.length - 1],
      },
      {
        id: 'p50Nanos',
        title: 'p50',
        unit: 'nanos',
        help: 'Half of the waits took no longer.',
        of: ({ waits }) => percentile(waits, 50),
      },
      {
        id: 'p95Nanos',
        title: 'p95',
        unit: 'nanos',
        help: '95 % of the waits took no longer.',
        of: ({ waits }) => percentile(waits, 95),
      },
      {
        id: 'p99Nanos',
        title: 'p99',
        unit: 'nanos',
        help: '99 % of the waits took no longer.',
        of: ({ waits }) => percentile(waits, 99),
      },
      {
        id: 'unfinished',
        title: 'Unfinished',
        unit: 'count',
        help: 'Of these, waits without an end in the trace.',
        of: ({ unfinished }) => unfinished,
      },
      {
        id: 'holds',
        title: 'Holds',
        unit: 'count',
        help: 'How often somebody had it, as far as the recorder knows.',
        of: ({ isHeldKnown, holds }) => (isHeldKnown ? holds : undefined),
      },
      {
        id: 'threads',
        title: 'Waiting threads',
        unit: 'text',
        help: 'Threads that waited.',
        of: ({ threads }) => someOf(threads),
      },
      {
        id: 'handover',
        title: 'Mostly',
        unit: 'text',
        help: 'Who let whom go on most often.',
        of: ({ handovers: [most] }) => (most === undefined ? '' : `${most.from} → ${most.to}: ${most.count}`),
      },
    ],
    rows: keptIfWhole(index, filter, lockRows),
    spanOf: ({ longest }) => spanOfRow(index, longest),
    // The name of its waits: a lock's own name may end as those of waits do.
    linkOf: ({ name }) => ({
      page: 'locks/each',
      filter: { name: baseOf(name) === name ? name : `${name}${WAIT}` },
    }),
    histogramOf: ({ waits }) => histogramOf(waits),
    ...producerNote(index, Category.wait, 'waits'),
  };
}

/** Waits one by one, the longest first. */
export function eachWaitTable(index: TraceIndex, filter: Filter = {}): Table<number> {
  const { start } = index.trace.columns;
  const lengthOf = (row: number): number => index.endOf(row) - start[row]!;
  return {
    id: 'locks',
    title: 'Each wait',
    help: HELP,
    columns: [
      {
        id: 'name',
        title: 'Wait',
        unit: 'text',
        help: 'Name of the wait.',
        of: (row) => waitedFor(index, row),
      },
      {
        id: 'startNanos',
        title: 'When',
        unit: 'time',
        help: 'Its begin, since the first event.',
        of: (row) => start[row]! - index.start,
      },
      { id: 'durationNanos', title: 'Elapsed', unit: 'nanos', help: 'From begin to end.', of: lengthOf },
      {
        id: 'thread',
        title: 'Thread',
        unit: 'text',
        help: 'Thread that waited, stopped or not.',
        of: (row) => actingThread(index, row)?.name ?? '',
      },
      ...taskColumns<number>(index, (row) => index.taskOf(row), 'the task that waited'),
    ],
    rows: waitRows(index, filter).sort((a, b) => lengthOf(b) - lengthOf(a)),
    spanOf: (row) => spanOfRow(index, row),
    ...producerNote(index, Category.wait, 'waits'),
  };
}

function lockRows(index: TraceIndex, filter: Filter = {}): LockRow[] {
  const waits = waitsByName(index, filter);
  // Whoever waits while a thread has it counts, not only that thread.
  const everyones =
    filter.thread === undefined ? waits : waitsByName(index, { ...filter, thread: undefined });
  const { held, known } = holdRows(index, filter, everyones);
  const handovers = handoversByName(index, filter);
  const { start, value } = index.trace.columns;
  const lengthOf = (row: number): number => index.endOf(row) - start[row]!;
  return [...new Set([...waits.keys(), ...held.keys()])]
    .map((name): LockRow => {
      const rows = waits.get(name) ?? [];
      const holds = held.get(name) ?? [];
      const complete = rows.filter((row) => value[row]! >= 0);
      const all = overlap(index, everyones.get(name) ?? [], holds);
      const { maxWaiting } = waits === everyones ? all : overlap(index, rows, []);
      return {
        name,
        waits: sortedNumbers(complete, lengthOf),
        unfinished: rows.length - complete.length,
        longest: (rows.length > 0 ? rows : holds).reduce((a, b) => (lengthOf(b) > lengthOf(a) ? b : a)),
        isHeldKnown: known.has(name),
        holds: holds.length,
        heldRows: holds,
        heldBy: holdersOf(index, holds),
        heldNanos: all.heldNanos,
        contendedNanos: all.contendedNanos,
        maxWaiting,
        threads: new Set(rows.flatMap((row) => actingThread(index, row)?.name ?? [])),
        handovers: handovers.get(name) ?? [],
      };
    })
    .sort((a, b) => sumOf(b.waits) - sumOf(a.waits) || b.heldNanos - a.heldNanos);
}

/** Rows of waits by what they are for. */
export function waitsByName(index: TraceIndex, filter: Filter): Map<string, number[]> {
  const waits = new Map<string, number[]>();
  const byNameId = new Map<number, number[]>();
  const { name: nameIds } = index.trace.columns;
  for (const row of waitRows(index, filter)) {
    const known = byNameId.get(nameIds[row]!);
    if (known !== undefined) {
      known.push(row);
      continue;
    }
    const name = waitedFor(index, row);
    const base = baseOf(name);
    push(waits, base, row);
    if (!isWordWait(index.nameOf(row))) byNameId.set(nameIds[row]!, waits.get(base)!);
  }
  return waits;
}

/** Holders that are named one by one. */
const MOST_HOLDERS = 2;

/** `settlement on worker 2 2.67 s (48, 179 ms at most), POST /orders on main 1.9 ms (69, 251 µs at most), and 2 more`. */
export function heldByText(heldBy: readonly HeldBy[]): string {
  const named = heldBy
    .slice(0, MOST_HOLDERS)
    .map(
      ({ task, thread, count, totalNanos, maxNanos }) =>
        `${holderText(task, thread)} ${timeText(totalNanos)} (${countText(count)}, ${timeText(maxNanos)} at most)`,
    );
  const more = heldBy.length - named.length;
  return [...named, ...(more > 0 ? [`and ${countText(more)} more`] : [])].join(', ');
}

function holderText(task: string, thread: string): string {
  if (thread === '') return task || '(no task)';
  return task === '' ? thread : `${task} on ${thread}`;
}

function holdersOf(index: TraceIndex, held: readonly number[]): HeldBy[] {
  const { start } = index.trace.columns;
  const holders = new Map<string, HeldBy>();
  for (const row of held) {
    const task = tasksOf(index).byNumber(index.taskOf(row))?.name ?? '';
    const thread = actingThread(index, row)?.name ?? '';
    const length = index.endOf(row) - start[row]!;
    const key = `${thread}\n${task}`;
    const { count, totalNanos, maxNanos } = holders.get(key) ?? { count: 0, totalNanos: 0, maxNanos: 0 };
    holders.set(key, {
      task,
      thread,
      count: count + 1,
      totalNanos: totalNanos + length,
      maxNanos: Math.max(maxNanos, length),
    });
  }
  return [...holders.values()].sort((a, b) => b.totalNanos - a.totalNanos);
}

/** Holds by what is held, and what the trace knows the holds of. */
interface Holds {
  readonly held: Map<string, number[]>;
  readonly known: ReadonlySet<string>;
}

/** Slices in which somebody has something: those named after what is waited for, and locks that nobody waits for. */
export function holdRows(index: TraceIndex, filter: Filter, waits: ReadonlyMap<string, unknown>): Holds {
  const { kind, category, track } = index.trace.columns;
  const region = index.category(Category.region);
  const { name: wanted, min: _min, max: _max, thread, ...rest } = filter;
  const held = new Map<string, number[]>();
  const known = new Set<string>();
  const ofNobody = new Set<string>();
  const isWanted = rowFilter(index, rest);
  const isAsync = asyncRegionTracks(index.trace);
  if (isAsync === undefined) return { held, known };
  for (let row = 0; row < index.trace.length; row++) {
    if (category[row] !== region || kind[row] !== EventKind.slice || isAsync[track[row]!] === 0) continue;
    const name = index.nameOf(row);
    const base = waits.has(name) ? name : name.endsWith(RUN) ? baseOf(name) : name;
    if (!waits.has(base) && !name.startsWith('lock ')) continue;
    if (wanted !== undefined && baseOf(wanted) !== base) continue;
    known.add(base);
    if (thread !== undefined && actingThread(index, row) === undefined) ofNobody.add(base);
    if (isWanted(row) && (thread === undefined || isOfThread(index, row, filter))) push(held, base, row);
  }
  for (const base of ofNobody) known.delete(base);
  return { held, known };
}

/** What a sweep over begins and ends of waits and holds finds. */
export interface Overlap {
  readonly heldNanos: number;
  readonly contendedNanos: number;
  readonly maxWaiting: number;
}

/** Sweeps over begins and ends of waits and holds. */
export function overlap(index: TraceIndex, waits: readonly number[], holds: readonly number[]): Overlap {
  const { start } = index.trace.columns;
  const beginOf = (row: number): number => start[row]!;
  const endOf = (row: number): number => index.endOf(row);
  const [waitBegins, waitEnds] = [sortedNumbers(waits, beginOf), sortedNumbers(waits, endOf)];
  const [holdBegins, holdEnds] = [sortedNumbers(holds, beginOf), sortedNumbers(holds, endOf)];
  let [wb, we, hb, he, last, heldNanos, contendedNanos, maxWaiting] = [0, 0, 0, 0, 0, 0, 0, 0];
  while (we < waitEnds.length || he < holdEnds.length) {
    const nextEnd = Math.min(waitEnds[we] ?? Infinity, holdEnds[he] ?? Infinity);
    const time = Math.min(nextEnd, waitBegins[wb] ?? Infinity, holdBegins[hb] ?? Infinity);
    if (hb > he) heldNanos += time - last;
    if (hb > he && wb > we) contendedNanos += time - last;
    last = time;
    // Ends before begins: one that takes over from another does not wait beside it.
    while (waitEnds[we]! <= time && we < wb) we++;
    while (holdEnds[he]! <= time && he < hb) he++;
    while (waitBegins[wb]! <= time) wb++;
    while (holdBegins[hb]! <= time) hb++;
    maxWaiting = Math.max(maxWaiting, wb - we);
  }
  return { heldNanos, contendedNanos, maxWaiting };
}

function push(map: Map<string, number[]>, key: string, row: number): void {
  const rows = map.get(key);
  if (rows === undefined) map.set(key, [row]);
  else rows.push(row);
}

function spanOfRow(index: TraceIndex, row: number): { start: number; end: number } {
  return { start: index.trace.columns.start[row]! - index.start, end: index.endOf(row) - index.start };
}
