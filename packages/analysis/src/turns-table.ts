/** Turns of event loops: how many took long, by thread, and how late timers came. */
import { EventKind } from '@ttrace/format';
import { durationColumns, sortedNumbers, sumOf, type WithDurations } from './duration-columns.ts';
import { type Filter, isThreadWanted, rowFilter } from './filter.ts';
import type { Table } from './table.ts';
import type { Thread, TraceIndex } from './trace-index.ts';
import { loopNote } from './unrecorded.ts';

export interface TurnsRow extends WithDurations {
  readonly thread: Thread;
  readonly blocks: number;
  readonly worst: { readonly start: number; readonly end: number };
  /** Largest lateness of a timer that was read, in nanoseconds; undefined without readings. */
  readonly maxDelayNanos: number | undefined;
}

/** One row a thread, the most time in long turns first. Filter: all of it. */
export function turnsTable(index: TraceIndex, filter: Filter = {}): Table<TurnsRow> {
  const isWanted = rowFilter(index, { ...filter, thread: undefined });
  const delays = maxDelays(index);
  const rows = index.threads
    .filter((thread) => thread.loopTrack >= 0 && isThreadWanted(filter, thread))
    .map((thread) => turnsOf(index, thread, isWanted, delays.get(`${thread.pid} ${nameOf(index, thread)}`)))
    .filter((row) => row !== undefined)
    .sort((a, b) => sumOf(b.durations) - sumOf(a.durations));
  return {
    id: 'turns',
    title: 'Turns of event loops',
    help:
      'A turn is what a thread runs between two waits of its event loop: callbacks, and the promises that follow them. Turns from 1 ms on are ' +
      'recorded. Many of some milliseconds delay everything else on the thread as one long one does.',
    columns: [
      {
        id: 'thread',
        title: 'Thread',
        unit: 'text',
        help: 'Name of the thread.',
        of: ({ thread }) => thread.name,
      },
      ...durationColumns<TurnsRow>('recorded turns'),
      {
        id: 'blocks',
        title: 'Blocks',
        unit: 'count',
        help: 'Turns that the recorder calls blocks, from 20 ms on by default.',
        of: ({ blocks }) => blocks,
      },
      {
        id: 'maxDelayNanos',
        title: 'Max delay',
        unit: 'nanos',
        help: 'How late a timer of 10 ms came at most, as read twice a second.',
        of: ({ maxDelayNanos }) => maxDelayNanos,
      },
    ],
    rows,
    spanOf: ({ worst }) => ({ start: worst.start - index.start, end: worst.end - index.start }),
    ...loopNote(index, 'how long its turns took this trace cannot tell'),
  };
}

function turnsOf(
  index: TraceIndex,
  thread: Thread,
  isWanted: (row: number) => boolean,
  maxDelayNanos: number | undefined,
): TurnsRow | undefined {
  const { args, start, value } = index.trace.columns;
  const { offsets, rows } = index.slices;
  const own = rows.subarray(offsets[thread.loopTrack], offsets[thread.loopTrack + 1]).filter(isWanted);
  if (own.length === 0) return undefined;
  const finished = own.filter((row) => value[row]! >= 0);
  const worst = own.reduce((a, b) => (index.endOf(b) - start[b]! > index.endOf(a) - start[a]! ? b : a));
  return {
    thread,
    durations: sortedNumbers(finished, (row) => value[row]!),
    unfinished: own.length - finished.length,
    blocks: own.filter((row) => args[row] !== 0 && index.argsOf(row).blocked === true).length,
    worst: { start: start[worst]!, end: index.endOf(worst) },
    maxDelayNanos,
  };
}

/** Largest reading of each loop's delay, by process and thread name. */
function maxDelays(index: TraceIndex): ReadonlyMap<string, number> {
  const { tracks, columns, length } = index.trace;
  const suffix = ' loop delay max';
  const keys = tracks.map(({ kind, pid, name }) =>
    kind === 'counter' && name.endsWith(suffix) ? `${pid} ${name.slice(0, -suffix.length)}` : undefined,
  );
  const delays = new Map<string, number>();
  if (keys.every((key) => key === undefined)) return delays;
  for (let row = 0; row < length; row++) {
    const key = keys[columns.track[row]!];
    if (key === undefined || columns.kind[row] !== EventKind.counter) continue;
    delays.set(key, Math.max(delays.get(key) ?? 0, columns.value[row]! * 1e6));
  }
  return delays;
}

function nameOf({ trace }: TraceIndex, { track }: Thread): string {
  return trace.tracks[track]!.name;
}
