/**
 * Who let whom go on that waited for a word of shared memory by `Atomics.wait`. A notify says how many it woke, but not whom; a wait that was
 * woken says so (`ok`), but not by whom. Between one notify that woke somebody and the next on the same word, those that go on were woken by the
 * first, or by one before it whose waiters were slow to run. So a pair is claimed only where the numbers fit: no more went on than were woken,
 * and nobody else's are on their way yet. What cannot be told apart so is left out. Waiters that were not recorded make that more; of wakers
 * all must be.
 */
import { Category, EventKind } from '@ttrace/format';
import { outcomeOf, wordOf } from './memory-words.ts';
import type { TraceIndex } from './trace-index.ts';

/** One that was let go on. */
export interface WordWake {
  /** Row of its wait. */
  readonly wait: number;
  /** Track of the thread that notified. */
  readonly from: number;
  /** Whether it was woken by itself, as the next one at a lock is; those at a barrier are woken together. */
  readonly isAlone: boolean;
}

/** Who was woken and has not run after so long, in nanoseconds, is not in the trace: it waited already when the recording began. */
const LATEST = 100e6;

/** All that is certain, in the order of words. Linear in the number of waits, but for sorting. */
export function wordWakes(index: TraceIndex): readonly WordWake[] {
  return index.once(findWakes);
}

interface WordEvents {
  readonly waits: number[];
  readonly notifies: number[];
}

function findWakes(index: TraceIndex): WordWake[] {
  const { kind } = index.trace.columns;
  const words = new Map<string, WordEvents>();
  for (const row of index.rowsOf(Category.wait)) {
    const word = wordOf(index, row);
    if (word === undefined) continue;
    const events = words.get(word.key) ?? { waits: [], notifies: [] };
    words.set(word.key, events);
    if (kind[row] !== EventKind.slice) events.notifies.push(row);
    else if (outcomeOf(index, row).result === 'ok') events.waits.push(row);
  }
  return [...words.values()].flatMap((events) => wakesOf(index, events));
}

/** Woken by one notify, and not seen to go on yet. */
interface Underway {
  readonly count: number;
  /** When that was, at the earliest and at the latest. */
  readonly time: number;
  readonly latest: number;
  /** Track of the thread that notified; -1: it may be another's. */
  readonly from: number;
}

function wakesOf(index: TraceIndex, { waits, notifies }: WordEvents): WordWake[] {
  const { start, track } = index.trace.columns;
  notifies.sort((a, b) => start[a]! - start[b]!);
  const isOpen = openWaits(index, waits);
  waits.sort((a, b) => index.endOf(a) - index.endOf(b));
  const wakes: WordWake[] = [];
  let underway: readonly Underway[] = [];
  let next = 0;
  const [first] = notifies;
  while (first !== undefined && next < waits.length && index.endOf(waits[next]!) < start[first]!) next++;
  for (const [at, notify] of notifies.entries()) {
    const now = start[notify]!;
    const until = at + 1 < notifies.length ? start[notifies[at + 1]!]! : Infinity;
    const over: number[] = [];
    while (next < waits.length && index.endOf(waits[next]!) < until) over.push(waits[next++]!);
    // Those whose wait is not in the trace will never be seen to go on.
    const before = underway.filter(({ time, latest }) => now - time < LATEST && isOpen(latest, now));
    const from = track[notify]!;
    const woken = Number(outcomeOf(index, notify).woken);
    const all = [...before, { count: woken, time: now, latest: now, from }];
    const isOne = before.every((each) => each.from === from);
    if (over.length > countOf(all)) underway = [];
    else if (isOne) {
      const isAlone = woken === 1 && before.length === 0;
      for (const wait of over) if (track[wait] !== from) wakes.push({ wait, from, isAlone });
      underway = less(all.toReversed(), over.length).toReversed();
    } else {
      // Most likely the last ones went on, but any may have.
      const rest = less(all, over.length);
      underway = over.length === 0 ? rest : rest.map((each) => ({ ...each, latest: now, from: -1 }));
    }
  }
  return wakes;
}

function countOf(all: readonly Underway[]): number {
  return all.reduce((sum, { count }) => sum + count, 0);
}

/** Without so many, from the end. */
function less(all: readonly Underway[], count: number): Underway[] {
  const rest = [...all];
  for (let left = count; left > 0; ) {
    const last = rest.pop();
    if (last === undefined) break;
    if (last.count > left) rest.push({ ...last, count: last.count - left });
    left -= last.count;
  }
  return rest;
}

/** Tells whether some wait began before one moment and went on until another or longer. */
function openWaits(index: TraceIndex, waits: readonly number[]): (begin: number, end: number) => boolean {
  const { start } = index.trace.columns;
  const order = [...waits].sort((a, b) => start[a]! - start[b]!);
  const latest = new Float64Array(order.length);
  for (let at = 0; at < order.length; at++)
    latest[at] = Math.max(latest[at - 1] ?? -Infinity, index.endOf(order[at]!));
  return (begin, end) => {
    let low = 0;
    for (let high = order.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (start[order[middle]!]! <= begin) low = middle + 1;
      else high = middle;
    }
    return low > 0 && latest[low - 1]! >= end;
  };
}
