/**
 * Who let whom go on: from the thread that unlocked, sent, was done or notified to the one that had waited for it. The recorder ends a wait
 * for X of @ttrace/sync with a slice `X wait over`, to which an arrow leads from the other thread; of words of shared memory word-wakes.ts
 * finds out what is certain.
 */
import { Category, EventKind } from '@ttrace/format';
import { arrowsOf } from './arrows.ts';
import { type Filter, rowFilter } from './filter.ts';
import { waitedFor } from './memory-words.ts';
import type { Table } from './table.ts';
import type { TraceIndex } from './trace-index.ts';
import { producerNote } from './unrecorded.ts';
import { actingThread, baseOf, WAIT_OVER, waitRows } from './wait-rows.ts';
import { wordWakes } from './word-wakes.ts';

/** All wake-ups of one thread by another, for one thing that is waited for. */
export interface Handover {
  /** What was waited for: `lock counter`. */
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly count: number;
  /** For how long the second had waited, each time since it last woke for nothing, in nanoseconds. */
  readonly waitedNanos: number;
  /** The longest of these waits, in nanoseconds since the origin. */
  readonly worst: { readonly start: number; readonly end: number };
}

/** One wake-up, with the wait that it ended. */
interface WakeUp {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly start: number;
  readonly end: number;
}

/** By what was waited for, the most waiting first. */
export function handoversByName(index: TraceIndex, filter: Filter): ReadonlyMap<string, readonly Handover[]> {
  const pairs = new Map<string, Handover>();
  for (const { name, from, to, start, end } of [
    ...arrowWakes(index, filter),
    ...notifiedWakes(index, filter),
  ]) {
    const key = [name, from, to].join('\n');
    const pair = pairs.get(key) ?? { name, from, to, count: 0, waitedNanos: 0, worst: { start: end, end } };
    const { worst } = pair;
    pairs.set(key, {
      ...pair,
      count: pair.count + 1,
      waitedNanos: pair.waitedNanos + end - start,
      worst: end - start > worst.end - worst.start ? { start, end } : worst,
    });
  }
  const byName = new Map<string, Handover[]>();
  for (const pair of [...pairs.values()].sort((a, b) => b.waitedNanos - a.waitedNanos || b.count - a.count)) {
    byName.set(pair.name, [...(byName.get(pair.name) ?? []), pair]);
  }
  return byName;
}

/** Those that the recorder has tied by arrows. */
function arrowWakes(index: TraceIndex, filter: Filter): WakeUp[] {
  const { name: wanted, min: _min, max: _max, ...rest } = filter;
  const isWanted = rowFilter(index, rest);
  const { length, inSlice, inTime, inTrack, outTrack } = arrowsOf(index);
  const lastTry = new Map<number, number>();
  const order: number[] = [];
  for (let at = 0; at < length; at++) {
    if (inSlice[at]! < 0 || outTrack[at]! < 0) continue;
    if (index.nameOf(inSlice[at]!).endsWith(WAIT_OVER) && isWanted(inSlice[at]!)) order.push(at);
  }
  order.sort((a, b) => inTime[a]! - inTime[b]!);
  const wakes: WakeUp[] = [];
  for (const at of order) {
    const name = baseOf(index.nameOf(inSlice[at]!));
    if (wanted !== undefined && baseOf(wanted) !== name) continue;
    const end = inTime[at]!;
    const begin = waitBegin(index, inSlice[at]!);
    const start =
      begin === undefined
        ? awaitedSince(index, inSlice[at]!, name)
        : Math.max(begin, lastTry.get(inTrack[at]!) ?? -Infinity);
    if (begin !== undefined) lastTry.set(inTrack[at]!, end);
    const [from, to] = [outTrack[at]!, inTrack[at]!].map((track) => index.threadOf(track)?.name ?? '');
    wakes.push({ name, from: from!, to: to!, start, end });
  }
  return wakes;
}

/** Those for words of shared memory, as far as they are certain. */
function notifiedWakes(index: TraceIndex, { name, min: _min, max: _max, ...rest }: Filter): WakeUp[] {
  const wakes = wordWakes(index);
  if (wakes.length === 0) return [];
  const isWanted = new Set(waitRows(index, { ...rest, name }));
  return wakes
    .filter(({ wait }) => isWanted.has(wait))
    .map(({ wait, from }) => ({
      name: waitedFor(index, wait),
      from: index.threadOf(from)?.name ?? '',
      to: actingThread(index, wait)?.name ?? '',
      start: index.trace.columns.start[wait]!,
      end: index.endOf(wait),
    }));
}

/** Begin of the wait that a slice lies in; undefined for one that is awaited and has no slice on its thread. */
function waitBegin(index: TraceIndex, slice: number): number | undefined {
  const { category, start } = index.trace.columns;
  const wait = index.category(Category.wait);
  for (let row = index.parentOf(slice); row >= 0; row = index.parentOf(row)) {
    if (category[row] === wait) return start[row]!;
  }
  return undefined;
}

/** Begin of the asynchronous wait that a slice ends: of those that are open, the first to end, of the slice's task where it has one. */
function awaitedSince(index: TraceIndex, slice: number, name: string): number {
  const { start, track } = index.trace.columns;
  const time = start[slice]!;
  const { pid } = index.trace.tracks[track[slice]!]!;
  const waits = index.once(awaitedWaits).get(`${pid}\n${name}`) ?? [];
  const task = index.taskOf(slice);
  let low = 0;
  for (let high = waits.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if (index.endOf(waits[middle]!) < time) low = middle + 1;
    else high = middle;
  }
  for (let at = low; at < waits.length; at++) {
    const wait = waits[at]!;
    if (start[wait]! <= time && index.taskOf(wait) === task) return start[wait]!;
  }
  return time;
}

/** Asynchronous waits by process and what is waited for, in the order of their ends. */
function awaitedWaits(index: TraceIndex): Map<string, number[]> {
  const { kind, track, start } = index.trace.columns;
  const waits = new Map<string, number[]>();
  for (const row of index.rowsOf(Category.wait)) {
    if (kind[row] !== EventKind.slice) continue;
    const { kind: trackKind, pid } = index.trace.tracks[track[row]!]!;
    if (trackKind !== 'async') continue;
    const key = `${pid}\n${baseOf(index.nameOf(row))}`;
    const rows = waits.get(key);
    if (rows === undefined) waits.set(key, [row]);
    else rows.push(row);
  }
  for (const rows of waits.values())
    rows.sort((a, b) => index.endOf(a) - index.endOf(b) || start[a]! - start[b]!);
  return waits;
}

/** Pairs of threads by what one waited for until the other let it go on. Filter: from, to, thread (that waits), task, name, text. */
export function handoversTable(index: TraceIndex, filter: Filter = {}): Table<Handover> {
  const rows = [...handoversByName(index, filter).values()].flat();
  return {
    id: 'handovers',
    title: 'Who let whom go on',
    help:
      'For each lock, channel, semaphore and wait group of @ttrace/sync, and for words of Atomics.wait as far as it is certain: which thread let ' +
      'which go on, how often, and how long that one had waited. ' +
      'A pair that stands out is where to look: what the first does while it has the lock is what the second waits for.',
    columns: [
      {
        id: 'name',
        title: 'Waited for',
        unit: 'text',
        help: 'Name of the lock, channel or group.',
        of: ({ name }) => name,
      },
      {
        id: 'from',
        title: 'Holder',
        unit: 'text',
        help: 'Thread that unlocked, sent, was done or notified.',
        of: ({ from }) => from,
      },
      { id: 'to', title: 'Waiter', unit: 'text', help: 'Thread that woke.', of: ({ to }) => to },
      {
        id: 'count',
        title: 'Count',
        unit: 'count',
        help: 'How often, those included that found it taken again.',
        of: ({ count }) => count,
      },
      {
        id: 'waitedNanos',
        title: 'Waited',
        unit: 'nanos',
        help: 'For how long the waiter had been stopped, each time since it last woke; or had awaited it.',
        of: ({ waitedNanos }) => waitedNanos,
      },
      {
        id: 'maxNanos',
        title: 'Max',
        unit: 'nanos',
        help: 'The longest of these.',
        of: ({ worst }) => worst.end - worst.start,
      },
    ],
    rows: rows.sort((a, b) => b.waitedNanos - a.waitedNanos),
    spanOf: ({ worst }) => ({ start: worst.start - index.start, end: worst.end - index.start }),
    linkOf: ({ name }) => ({ page: 'locks', filter: { name } }),
    ...producerNote(index, Category.wait, 'waits'),
  };
}
