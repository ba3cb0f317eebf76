/**
 * What each thread was doing at each moment, in states that do not overlap and add up to the thread's life, as far as the trace covers it.
 * Everything that divides a thread's time goes by it: the threads table, the columns of regions and tasks, utilisation, the heat map.
 *
 * Of several truths about a moment the first of these counts:
 * - `gc`: inside a garbage collection on the thread, of V8's own also in the phases that lie in it;
 * - `waiting`: inside a wait that stops the thread, such as `Atomics.wait`, by the wait's name;
 * - `blocked`: inside a turn of its event loop that the recorder calls a block (by default from 20 ms on);
 * - `running`: inside any other slice on the thread, a recorded turn (from 1 ms on), CPU samples, or while a worker starts; not where a slice that is open across
 *   turns, as between `startRegion` and `end` around an await, has no turn for longer than the shortest that was recorded;
 * - `idle`: none of these, on a thread whose loop was recorded. Turns too short to be recorded are known by the loop's utilisation alone,
 *   which is read twice a second: where there is a reading, that part of the time counts as running;
 * - `unknown`: none of these, and the trace does not tell whether the thread ran.
 */
import { Category, EventKind } from '@ttrace/format';
import { collectionsIn } from './collections.ts';
import { MergedStates, mergeStates } from './state-merge.ts';
import { stopsIn } from './stop-slices.ts';
import { State, Stretches } from './stretches.ts';
import type { Thread, TraceIndex } from './trace-index.ts';

/** The states, by their numbers in a timeline. */
export const THREAD_STATES: readonly ThreadState[] = Object.keys(State) as ThreadState[];
export type ThreadState = keyof typeof State;

const { running: RUNNING, blocked: BLOCKED, gc: GC, waiting: WAITING, idle: IDLE, unknown: UNKNOWN } = State;

/** Time by state, in nanoseconds. */
export interface StateTimes {
  /** By number of `THREAD_STATES`. */
  readonly byState: Float64Array;
  /** Waiting time by the string id of the wait's name. */
  readonly byReason: ReadonlyMap<number, number>;
}

/** A thread's time as stretches: stretch i is from `starts[i]` to `starts[i + 1]`. */
export interface ThreadTimeline {
  readonly thread: Thread;
  readonly length: number;
  /** One more than there are stretches; empty for a thread without events. */
  readonly starts: Float64Array;
  /** Numbers of `THREAD_STATES`. */
  readonly states: Uint8Array;
  /** String id of the wait's name where the state is `waiting`, else 0. */
  readonly reasons: Uint32Array;
  /** Part of an idle stretch that was running, 0 to 1; 0 in all others. Empty where all are 0: see `shareAt`. */
  readonly shares: Float32Array;
}

/** The timeline of a thread, made when first asked for, and kept. Linear in the thread's events. */
export function threadTimeline(index: TraceIndex, thread: Thread): ThreadTimeline {
  const timelines = index.once(noTimelines);
  let timeline = timelines.get(thread);
  if (timeline === undefined) {
    const { length, starts, states, reasons, shares } = makeTimeline(index, thread);
    timeline = {
      thread,
      length,
      starts: starts.slice(0, length === 0 ? 0 : length + 1),
      states: states.slice(0, length),
      reasons: reasons.slice(0, length),
      shares,
    };
    timelines.set(thread, timeline);
  }
  return timeline;
}

function noTimelines(): Map<Thread, ThreadTimeline> {
  return new Map();
}

/**
 * What a function makes of a thread's timeline, which is not kept, and must not be: for who reads it once.
 * @param areStopsEnough Only what is not `running`, `idle` or `unknown` need be right: of most threads a small part.
 */
export function withTimeline<T>(
  index: TraceIndex,
  thread: Thread,
  use: (timeline: ThreadTimeline) => T,
  areStopsEnough = false,
): T {
  return use(index.once(noTimelines).get(thread) ?? makeTimeline(index, thread, areStopsEnough));
}

/** Time by state of a thread between two moments. */
export function threadTimes(index: TraceIndex, thread: Thread, from: number, to: number): StateTimes {
  return withTimeline(index, thread, (timeline) => timesBetween(timeline, from, to));
}

/** Of most stretches: a hundred thousand of them need no map each. */
const NO_REASONS: ReadonlyMap<number, number> = new Map();

/** No time in any state. */
export function emptyTimes(): StateTimes {
  return { byState: new Float64Array(THREAD_STATES.length), byReason: NO_REASONS };
}

/** Time by state between two moments; what lies outside of the thread's life counts nowhere. */
export function timesBetween(timeline: ThreadTimeline, from: number, to: number): StateTimes {
  const byState = new Float64Array(THREAD_STATES.length);
  let byReason: Map<number, number> | undefined;
  const { starts, states, reasons, length } = timeline;
  for (let i = stretchAt(timeline, from); i < length && starts[i]! < to; i++) {
    const time = Math.min(to, starts[i + 1]!) - Math.max(from, starts[i]!);
    if (time <= 0) continue;
    const state = states[i]!;
    const ran = time * shareAt(timeline, i);
    byState[RUNNING]! += ran;
    byState[state]! += time - ran;
    if (state !== WAITING) continue;
    byReason ??= new Map();
    byReason.set(reasons[i]!, (byReason.get(reasons[i]!) ?? 0) + time);
  }
  return { byState, byReason: byReason ?? NO_REASONS };
}

/** Part of a stretch that was running although its state is another. */
export function shareAt({ shares }: ThreadTimeline, stretch: number): number {
  return shares.length === 0 ? 0 : shares[stretch]!;
}

/** Number of the stretch that holds a moment; 0 before the first, `length` after the last. */
export function stretchAt({ starts, length }: ThreadTimeline, time: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle + 1]! <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The arrays are those of the next one that is made. */
function makeTimeline(index: TraceIndex, thread: Thread, areStopsEnough = false): ThreadTimeline {
  const loop = outermost(index, thread.loopTrack, (row) => (isBlock(index, row) ? BLOCKED : RUNNING));
  const samples = outermost(index, thread.sampleTrack, () => RUNNING);
  const readings = utilizationReadings(index, thread);
  const isLoopKnown = loop.length > 0 || readings.ends.length > 0;
  const gap = isLoopKnown ? IDLE : UNKNOWN;
  const turns = withStart(thread, overlaid(loop, samples));
  const { start, end } = thread;
  const { own, merged } = index.once(memory);
  const slices = index.slices.rows.subarray(
    index.slices.offsets[thread.track],
    index.slices.offsets[thread.track + 1],
  );
  layOwnSlices(index, areStopsEnough ? stopsIn(index, thread.track, slices) : slices, own);
  mergeStates({ start, end, own, turns, gap, readings, turnNanos: shortestOf(loop) }, merged);
  const { length, starts, states, reasons } = merged;
  const timeline = { thread, length, starts, states, reasons, shares: NO_SHARES };
  return readings.ends.length === 0 ? timeline : withShares(timeline, readings);
}

const NO_SHARES = new Float32Array(0);

/** Of the size that the thread with the most slices needs. */
function memory(index: TraceIndex): { own: Stretches; merged: MergedStates } {
  const { offsets } = index.slices;
  const sizes = index.threads.map(({ track }) => offsets[track + 1]! - offsets[track]!);
  const most = Math.max(0, ...sizes);
  const merged = new MergedStates();
  merged.clear(2.1 * most);
  return { own: new Stretches(most), merged };
}

/** States from the slices on the thread itself: of nested ones the innermost says what the moment was. */
function layOwnSlices(index: TraceIndex, rows: Uint32Array, stretches: Stretches): void {
  // hot: once a slice.
  const { category, name, start: starts, value } = index.trace.columns;
  const gc = index.category(Category.gc);
  const wait = index.category(Category.wait);
  const { ofV8 } = collectionsIn(index);
  const hasV8 = ofV8.size > 0;
  stretches.clear(rows.length);
  // Of the slices that are open.
  const states: number[] = [];
  const reasons: number[] = [];
  const ends: number[] = [];
  let depth = 0;
  let at = -Infinity;
  for (let i = 0; i <= rows.length; i++) {
    const row = rows[i] ?? -1;
    const start = row < 0 ? Infinity : starts[row]!;
    // What ends before the next one begins, then what goes on until then.
    while (depth > 0) {
      const isOver = ends[depth - 1]! <= start;
      const until = isOver ? ends[depth - 1]! : start;
      if (until > at) {
        stretches.add(at, until, states[depth - 1]!, reasons[depth - 1]!);
        at = until;
      }
      if (!isOver) break;
      depth--;
    }
    if (row < 0) break;
    if (start > at) at = start;
    const duration = value[row]!;
    const of = category[row]!;
    states[depth] = of === gc ? GC : of === wait ? WAITING : RUNNING;
    if (hasV8 && (ofV8.has(row) || (depth > 0 && states[depth - 1] === GC))) states[depth] = GC;
    reasons[depth] = of === wait ? name[row]! : 0;
    // One without an end goes on until the trace's, or until what it lies in is over.
    ends[depth] = duration >= 0 ? start + duration : depth > 0 ? ends[depth - 1]! : index.end;
    depth++;
  }
}

/** One stretch for each slice that lies in no other of its track. */
function outermost(index: TraceIndex, track: number, stateOf: (row: number) => number): Stretches {
  if (track < 0) return new Stretches(0);
  const rows = index.slices.rows.subarray(index.slices.offsets[track], index.slices.offsets[track + 1]);
  const stretches = new Stretches(rows.length);
  let until = -Infinity;
  for (const row of rows) {
    const end = index.endOf(row);
    if (end <= until) continue;
    stretches.add(Math.max(until, index.trace.columns.start[row]!), end, stateOf(row));
    until = end;
  }
  return stretches;
}

/** Whether a slice on a loop's track is a block. */
export function isBlock(index: TraceIndex, row: number): boolean {
  return index.trace.columns.args[row] !== 0 && index.argsOf(row).blocked === true;
}

/** Readings of a loop's utilisation: reading i says what part of `starts[i]` to `ends[i]` the loop was busy. */
interface Readings {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly shares: readonly number[];
}

/** A reading counts for the time since the one before, but for no longer than this: a quiet loop makes none. */
const READING_NANOS = 550e6;

function utilizationReadings(index: TraceIndex, thread: Thread): Readings {
  const { trace } = index;
  const { kind, start, value, track } = trace.columns;
  const name = `${trace.tracks[thread.track]!.name} loop utilization`;
  const wanted = trace.tracks.findIndex(
    (each) => each.kind === 'counter' && each.pid === thread.pid && each.name === name,
  );
  const samples: { time: number; share: number }[] = [];
  for (let row = 0; wanted >= 0 && row < trace.length; row++) {
    if (track[row] !== wanted || kind[row] !== EventKind.counter) continue;
    samples.push({ time: start[row]!, share: Math.min(1, Math.max(0, value[row]! / 100)) });
  }
  samples.sort((a, b) => a.time - b.time);
  const starts = samples.map(({ time }, i) =>
    Math.max(time - READING_NANOS, samples[i - 1]?.time ?? thread.startedAt),
  );
  return { starts, ends: samples.map(({ time }) => time), shares: samples.map(({ share }) => share) };
}

/** Infinity for none. A turn that is as long would have been recorded as well, whatever the recorder's limit. */
function shortestOf({ length, starts, ends }: Stretches): number {
  let shortest = Infinity;
  for (let i = 0; i < length; i++) shortest = Math.min(shortest, ends[i]! - starts[i]!);
  return shortest;
}

/** Turns and samples as one: a block counts more than that something ran. Both are few. */
function overlaid(turns: Stretches, samples: Stretches): Stretches {
  if (samples.length === 0) return turns;
  const both = new Stretches(turns.length + samples.length);
  const edges = [...turns.starts.subarray(0, turns.length), ...turns.ends.subarray(0, turns.length)]
    .concat([...samples.starts.subarray(0, samples.length), ...samples.ends.subarray(0, samples.length)])
    .sort((a, b) => a - b);
  let turn = 0;
  let sample = 0;
  for (let edge = 0; edge + 1 < edges.length; edge++) {
    const time = edges[edge]!;
    while (turn < turns.length && turns.ends[turn]! <= time) turn++;
    while (sample < samples.length && samples.ends[sample]! <= time) sample++;
    if (turn < turns.length && turns.starts[turn]! <= time)
      both.add(time, edges[edge + 1]!, turns.states[turn]!);
    else if (sample < samples.length && samples.starts[sample]! <= time)
      both.add(time, edges[edge + 1]!, RUNNING);
  }
  return both;
}

/** While a worker starts, Node.js runs in it; its first turn may be said to have begun before it was online. */
function withStart({ start, startedAt }: Thread, turns: Stretches): Stretches {
  const end = Math.min(startedAt, turns.length > 0 ? turns.starts[0]! : Infinity);
  if (end <= start) return turns;
  const all = new Stretches(turns.length + 1);
  all.add(start, end, RUNNING);
  for (let i = 0; i < turns.length; i++) all.add(turns.starts[i]!, turns.ends[i]!, turns.states[i]!);
  return all;
}

/** Gives idle stretches the part that the loop's utilisation says was busy beyond what is known. */
function withShares(timeline: ThreadTimeline, readings: Readings): ThreadTimeline {
  const { starts, states, length } = timeline;
  const shares = new Float32Array(length);
  for (let r = 0; r < readings.ends.length; r++) {
    const from = readings.starts[r]!;
    const to = readings.ends[r]!;
    const first = stretchAt(timeline, from);
    let busy = 0;
    let idle = 0;
    for (let i = first; i < length && starts[i]! < to; i++) {
      const time = Math.min(to, starts[i + 1]!) - Math.max(from, starts[i]!);
      if (states[i] === IDLE) idle += time;
      // A worker that is parked in a wait counts as idle there, a loop that is stopped otherwise as busy.
      else if (states[i] !== WAITING) busy += time;
    }
    const more = readings.shares[r]! * (to - from) - busy;
    if (idle <= 0 || more <= 0) continue;
    const share = Math.min(1, more / idle);
    for (let i = first; i < length && starts[i]! < to; i++) if (states[i] === IDLE) shares[i] = share;
  }
  return { ...timeline, shares };
}
