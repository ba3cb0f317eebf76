/** What filled a stretch of a thread's time in which its loop could run nothing else: blocks by culprit, collections by kind, waits by name. */
import type { Stop } from './availability.ts';
import { collectionsIn } from './collections.ts';
import { stopsOn } from './stop-slices.ts';
import {
  isBlock,
  shareAt,
  stretchAt,
  THREAD_STATES,
  type ThreadState,
  type ThreadTimeline,
  withTimeline,
} from './thread-states.ts';
import type { Thread, TraceIndex } from './trace-index.ts';

/** Something that stopped a thread, and for how long. */
export interface Cause {
  readonly thread: Thread;
  readonly state: ThreadState;
  /** Of the block, collection or wait; '' for turns that are no blocks. */
  readonly name: string;
  readonly nanos: number;
}

const STATE_OF: Readonly<Record<Stop, ThreadState>> = {
  blocks: 'blocked',
  gc: 'gc',
  waits: 'waiting',
  running: 'running',
};

/** For each of some stretches of the trace what filled it, the longest first. */
export function causesIn(
  index: TraceIndex,
  threads: readonly Thread[],
  stops: readonly Stop[],
  stretches: readonly { readonly start: number; readonly end: number }[],
): readonly (readonly Cause[])[] {
  const states = stops.map((stop) => STATE_OF[stop]);
  // A thread at a time: of its timeline nothing is kept.
  const byThread = threads.map((thread) =>
    withTimeline(
      index,
      thread,
      (timeline) => {
        const find = causesOnThread(index, timeline, states);
        return stretches.map(({ start, end }) => find(start, end));
      },
      !stops.includes('running'),
    ),
  );
  return stretches.map((_, at) => byThread.flatMap((found) => found[at]!).sort((a, b) => b.nanos - a.nanos));
}

function causesOnThread(
  index: TraceIndex,
  timeline: ThreadTimeline,
  wanted: readonly ThreadState[],
): (from: number, to: number) => Cause[] {
  const { thread } = timeline;
  const { has, kindOf } = collectionsIn(index);
  const collections: NamedRows = { rows: stopsOn(index, thread.track).filter(has), nameOf: kindOf };
  const blocks: NamedRows = {
    rows: blocksOn(index, thread.loopTrack),
    nameOf: (row) => index.nameOf(row),
  };
  const { starts, states, reasons, length } = timeline;
  return (from, to) => {
    const causes = new Map<string, { state: ThreadState; name: string; nanos: number }>();
    const add = (state: ThreadState, name: string, nanos: number): void => {
      const key = `${state} ${name}`;
      const cause = causes.get(key);
      if (cause === undefined) causes.set(key, { state, name, nanos });
      else cause.nanos += nanos;
    };
    for (let i = stretchAt(timeline, from); i < length && starts[i]! < to; i++) {
      const state = THREAD_STATES[states[i]!]!;
      const start = Math.max(from, starts[i]!);
      const end = Math.min(to, starts[i + 1]!);
      const share = shareAt(timeline, i);
      if (share > 0 && wanted.includes('running')) add('running', '', (end - start) * share);
      if (!wanted.includes(state)) continue;
      if (state === 'running') add(state, '', end - start);
      else if (state === 'waiting') add(state, index.trace.strings.text(reasons[i]!), end - start);
      else
        addNamed(index, state === 'gc' ? collections : blocks, start, end, (name, nanos) =>
          add(state, name, nanos),
        );
    }
    return [...causes.values()].map((cause) => ({ thread, ...cause }));
  };
}

/** Slices by begin, and what each is to be called. */
interface NamedRows {
  readonly rows: readonly number[];
  readonly nameOf: (row: number) => string;
}

/** Blocks of an event loop, by begin. */
function blocksOn(index: TraceIndex, track: number): readonly number[] {
  const { rows, offsets } = index.slices;
  return track < 0
    ? []
    : [...rows.subarray(offsets[track], offsets[track + 1])].filter((row) => isBlock(index, row));
}

/** Parts a stretch by the slices that it lies in. */
function addNamed(
  index: TraceIndex,
  { rows, nameOf }: NamedRows,
  from: number,
  to: number,
  add: (name: string, nanos: number) => void,
): void {
  for (let time = from; time < to; ) {
    const row = rowAt(index, rows, time);
    const end = row === undefined ? to : Math.min(to, index.endOf(row));
    add(row === undefined ? '' : nameOf(row), end - time);
    time = end;
  }
}

/** How many slices back to look for one that contains a moment: they hardly ever contain each other. */
const MOST_STEPS_BACK = 16;

function rowAt(index: TraceIndex, rows: readonly number[], time: number): number | undefined {
  const { start } = index.trace.columns;
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (start[rows[middle]!]! <= time) low = middle + 1;
    else high = middle;
  }
  for (let i = low - 1; i >= Math.max(0, low - MOST_STEPS_BACK); i--) {
    if (index.endOf(rows[i]!) > time) return rows[i];
  }
  return undefined;
}
