/**
 * How long each thread had a lock, had it while others waited, and waited for it: the locks table, divided by thread. Of waits and holds whose
 * thread the trace does not tell, there is a row without one.
 */
import type { Filter } from './filter.ts';
import { holdRows, overlap, waitsByName } from './locks-table.ts';
import type { Table } from './table.ts';
import type { TraceIndex } from './trace-index.ts';
import { actingThread } from './wait-rows.ts';

/** One lock and one thread. Times in nanoseconds. */
export interface LockThread {
  readonly name: string;
  /** '' where the trace does not say. */
  readonly thread: string;
  /** Whether the trace tells who had this lock. */
  readonly isHeldKnown: boolean;
  readonly holds: number;
  readonly heldNanos: number;
  readonly contendedNanos: number;
  readonly maxHeldNanos: number;
  readonly waits: number;
  readonly waitedNanos: number;
  readonly maxWaitedNanos: number;
  /** Row of its longest hold, or of its longest wait where it has no holds. */
  readonly longest: number;
}

/** By what was waited for or held, those that cost most first, and by thread. Filter: from, to, thread, task, text, attribute, min, max, name. */
export function lockThreadsTable(index: TraceIndex, filter: Filter = {}): Table<LockThread> {
  return {
    id: 'lock-threads',
    title: 'Locks by thread',
    help:
      'For each lock and thread: how long the thread had it, how much of that while others waited, and how long it waited itself. The thread that has ' +
      'it for longest while others wait is where to begin. Threads that await at many places at once wait for longer than there is time.',
    columns: [
      {
        id: 'name',
        title: 'Lock',
        unit: 'text',
        help: 'What was waited for, or held.',
        of: ({ name }) => name,
      },
      {
        id: 'thread',
        title: 'Thread',
        unit: 'text',
        help: 'Thread that had it or waited; empty where the trace does not say.',
        of: ({ thread }) => thread,
      },
      {
        id: 'heldNanos',
        title: 'Held',
        unit: 'nanos',
        help: 'Time in which the thread had it; empty where the trace does not say who had it.',
        of: ({ isHeldKnown, heldNanos }) => (isHeldKnown ? heldNanos : undefined),
      },
      {
        id: 'contendedNanos',
        title: 'While others waited',
        unit: 'nanos',
        help: 'The part of that in which somebody waited for it.',
        of: ({ isHeldKnown, contendedNanos }) => (isHeldKnown ? contendedNanos : undefined),
      },
      {
        id: 'waitedNanos',
        title: 'Waited',
        unit: 'nanos',
        help: 'Time of all its finished waits together.',
        of: ({ waitedNanos }) => waitedNanos,
      },
      {
        id: 'holds',
        title: 'Holds',
        unit: 'count',
        help: 'How often it had it.',
        of: ({ isHeldKnown, holds }) => (isHeldKnown ? holds : undefined),
      },
      {
        id: 'waits',
        title: 'Waits',
        unit: 'count',
        help: 'How often it had to wait.',
        of: ({ waits }) => waits,
      },
      {
        id: 'maxHeldNanos',
        title: 'Longest hold',
        unit: 'nanos',
        help: 'The longest time for which it had it at once.',
        of: ({ isHeldKnown, maxHeldNanos }) => (isHeldKnown ? maxHeldNanos : undefined),
      },
      {
        id: 'maxWaitedNanos',
        title: 'Longest wait',
        unit: 'nanos',
        help: 'Its longest finished wait.',
        of: ({ maxWaitedNanos }) => maxWaitedNanos,
      },
    ],
    rows: lockThreads(index, filter),
    spanOf: ({ longest }) => ({
      start: index.trace.columns.start[longest]! - index.start,
      end: index.endOf(longest) - index.start,
    }),
    linkOf: ({ name, thread }) => ({ page: 'locks', filter: { name, ...(thread === '' ? {} : { thread }) } }),
  };
}

function lockThreads(index: TraceIndex, filter: Filter): LockThread[] {
  const { start, value } = index.trace.columns;
  const everyones = waitsByName(index, { ...filter, thread: undefined });
  const waits = filter.thread === undefined ? everyones : waitsByName(index, filter);
  const { held, known } = holdRows(index, filter, everyones);
  const lengthOf = (row: number): number => index.endOf(row) - start[row]!;
  const longestOf = (rows: readonly number[]): number =>
    rows.reduce((a, b) => (lengthOf(b) > lengthOf(a) ? b : a));
  const locks = [...new Set([...waits.keys(), ...held.keys()])].map((name) => {
    const holds = byThread(index, held.get(name) ?? []);
    const own = byThread(index, waits.get(name) ?? []);
    // Where it does not say so of all holds, any thread may have had more of them.
    const isKnown = (thread: string): boolean => known.has(name) && (thread === '' || !holds.has(''));
    return [...new Set([...holds.keys(), ...own.keys()])].map((thread): LockThread => {
      const [ofThread, waited] = [holds.get(thread) ?? [], own.get(thread) ?? []];
      const lengths = waited.filter((row) => value[row]! >= 0).map(lengthOf);
      const { heldNanos, contendedNanos } = overlap(index, everyones.get(name) ?? [], ofThread);
      return {
        ...{ name, thread, isHeldKnown: isKnown(thread), heldNanos, contendedNanos },
        holds: ofThread.length,
        maxHeldNanos: ofThread.reduce((most, row) => Math.max(most, lengthOf(row)), 0),
        waits: waited.length,
        waitedNanos: lengths.reduce((sum, length) => sum + length, 0),
        maxWaitedNanos: lengths.reduce((most, length) => Math.max(most, length), 0),
        longest: longestOf(ofThread.length > 0 ? ofThread : waited),
      };
    });
  });
  const costOf = (rows: readonly LockThread[]): number =>
    rows.reduce((sum, { waitedNanos }) => sum + waitedNanos, 0);
  return locks
    .sort((a, b) => costOf(b) - costOf(a))
    .flatMap((rows) =>
      rows.sort(
        (a, b) =>
          b.contendedNanos - a.contendedNanos || b.heldNanos - a.heldNanos || b.waitedNanos - a.waitedNanos,
      ),
    );
}

function byThread(index: TraceIndex, rows: readonly number[]): Map<string, number[]> {
  const threads = new Map<string, number[]>();
  for (const row of rows) {
    const name = actingThread(index, row)?.name ?? '';
    const known = threads.get(name);
    if (known === undefined) threads.set(name, [row]);
    else known.push(row);
  }
  return threads;
}
