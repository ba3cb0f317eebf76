/** What is wrong with threads: workers with nothing to do, time that goes into garbage. */
import { Category, EventKind } from '@ttrace/format';
import { collectionsIn } from '../collections.ts';
import type { Found, Rule } from '../finding.ts';
import { counted, shareText, timeText } from '../quantity.ts';
import { threadKey, threadLabel } from '../thread-names.ts';
import { THREAD_STATES, threadTimes } from '../thread-states.ts';
import type { Thread, TraceIndex } from '../trace-index.ts';
import { worstCase } from '../worst-case.ts';

const IDLE_SHARE = 0.9;
/** A worker that has lived for less may not have had its work yet. */
const IDLE_LIFE_NANOS = 1e9;

export const idleWorker: Rule = {
  id: 'idle-worker',
  help: `Workers that were idle, or stopped in a wait, for more than ${shareText(IDLE_SHARE)} of a life of a second or more.`,
  find: (index) => {
    const idle = index.threads
      .filter(({ pid, tid, start, end }) => tid !== pid && end - start >= IDLE_LIFE_NANOS)
      .map((thread) => ({ thread, share: idleShare(index, thread) }))
      .filter(({ share }) => share > IDLE_SHARE)
      .sort((a, b) => b.share - a.share);
    const [worst] = idle;
    if (worst === undefined) return [];
    const { thread, share } = worst;
    return [
      {
        rule: 'idle-worker',
        severity: 'low',
        count: idle.length,
        costNanos: 0,
        sentence: `${counted(idle.length, 'worker')} had next to nothing to do: ${threadLabel(index, thread)} was idle for ${shareText(share)} of its ${timeText(thread.end - thread.start)}.`,
        advice: 'Use fewer workers, or give them more at a time: each costs some 10 MB and its start.',
        worst: worstCase(index, { start: thread.start, end: thread.end, thread: threadLabel(index, thread) }),
        link: { page: 'threads', filter: {} },
      } satisfies Found,
    ];
  },
};

/** 0 for threads that cannot have been idle for long: of most of them turns and waits alone say so. */
function idleShare(index: TraceIndex, thread: Thread): number {
  const life = thread.end - thread.start;
  if (turnTime(index, thread) - waitTime(index, thread) > (1 - IDLE_SHARE) * life) return 0;
  const { byState } = threadTimes(index, thread, thread.start, thread.end);
  const idle = byState[THREAD_STATES.indexOf('idle')]! + byState[THREAD_STATES.indexOf('waiting')]!;
  return idle / life;
}

/** Time in recorded turns of its event loop, in nanoseconds. */
function turnTime(index: TraceIndex, { loopTrack }: Thread): number {
  if (loopTrack < 0) return 0;
  const { offsets, rows } = index.slices;
  let time = 0;
  let until = -Infinity;
  for (const row of rows.subarray(offsets[loopTrack], offsets[loopTrack + 1])) {
    const end = index.endOf(row);
    if (end > until) time += end - Math.max(until, index.trace.columns.start[row]!);
    until = Math.max(until, end);
  }
  return time;
}

function waitTime(index: TraceIndex, thread: Thread): number {
  return index.once(waitTimes).get(thread.track) ?? 0;
}

/** By track, the time of all waits; of nested ones each counts. */
function waitTimes(index: TraceIndex): Map<number, number> {
  const { kind, start, track } = index.trace.columns;
  const times = new Map<number, number>();
  for (const row of index.rowsOf(Category.wait)) {
    if (kind[row] !== EventKind.slice) continue;
    times.set(track[row]!, (times.get(track[row]!) ?? 0) + index.endOf(row) - start[row]!);
  }
  return times;
}

const WINDOW_NANOS = 1e9;
const GC_SHARE = 0.1;

interface Collection {
  readonly start: number;
  readonly end: number;
}

function lengthOf({ start, end }: Collection): number {
  return end - start;
}

/** Garbage collections by thread and begin. */
function allCollections(index: TraceIndex): ReadonlyMap<Thread, readonly Collection[]> {
  const { start, track } = index.trace.columns;
  const collections = collectionsIn(index);
  const byThread = new Map<Thread, Collection[]>(index.threads.map((thread) => [thread, []]));
  for (const row of collections.rows) {
    const thread = index.threadOf(track[row]!);
    if (thread?.track !== track[row]) continue;
    byThread.get(thread!)!.push({ start: start[row]!, end: index.endOf(row) });
  }
  for (const found of byThread.values()) found.sort((a, b) => a.start - b.start);
  return byThread;
}

function collectionsOf(index: TraceIndex, thread: Thread): readonly Collection[] {
  return index.once(allCollections).get(thread)!;
}

export const gcWindow: Rule = {
  id: 'gc-window',
  help: `A window of ${timeText(WINDOW_NANOS)} in which garbage collections took more than ${shareText(GC_SHARE)} of a thread.`,
  find: (index) =>
    index.threads.flatMap((thread) => {
      const collections = collectionsOf(index, thread);
      const worst = busiestWindow(collections);
      const length = Math.min(WINDOW_NANOS, thread.end - thread.start);
      const share = worst === undefined ? 0 : worst.sum / length;
      if (worst === undefined || share <= GC_SHARE || length < WINDOW_NANOS / 10) return [];
      const total = collections.reduce((sum, each) => sum + lengthOf(each), 0);
      return [
        {
          rule: 'gc-window',
          severity: share > 0.3 ? 'high' : 'medium',
          count: collections.length,
          costNanos: total,
          sentence: `Garbage collection took ${shareText(share)} of ${timeText(length)} on ${threadLabel(index, thread)}; ${counted(collections.length, 'collection')}, ${timeText(total)} in all.`,
          advice:
            'Allocate less there: reuse buffers, give arrays their size, avoid copies; or raise --max-semi-space-size where most die young.',
          worst: worstCase(index, {
            start: worst.start,
            end: worst.start + length,
            thread: threadLabel(index, thread),
          }),
          link: { page: 'gc', filter: { thread: threadKey(index, thread) } },
        } satisfies Found,
      ];
    }),
};

/** The window of `WINDOW_NANOS`, from the begin of one of them, in which they add up to most. */
function busiestWindow(events: readonly Collection[]): { start: number; sum: number } | undefined {
  let best: { start: number; sum: number } | undefined;
  let sum = 0;
  let last = 0;
  for (let first = 0; first < events.length; first++) {
    while (last < events.length && events[last]!.start < events[first]!.start + WINDOW_NANOS)
      sum += lengthOf(events[last++]!);
    if (best === undefined || sum > best.sum) best = { start: events[first]!.start, sum };
    sum -= lengthOf(events[first]!);
  }
  return best;
}
