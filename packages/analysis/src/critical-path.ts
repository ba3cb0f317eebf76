/**
 * Why a task took as long as it did: the chain of what it was waiting for or doing, from its end back to its begin, over threads. The steps
 * do not overlap and add up to the task's time.
 *
 * At each moment the step is what, of all that belongs to the task and its subtasks, ended last: so of things that run side by side the one
 * counts that the task had to wait for. Where that began with a message or with somebody letting go of a lock, the path goes on at the
 * sender; what the receiver did while a message was on its way stands beside it. Where nothing is recorded that belongs to the task, the step says what its thread did meanwhile, as far as that is known.
 */
import { arrowsFrom, arrowsOf } from './arrows.ts';
import { queuedBehind } from './queued-behind.ts';
import { type Piece, piecesOf, wayOf } from './task-pieces.ts';
import type { Task } from './tasks.ts';
import { THREAD_STATES, threadTimeline, timesBetween } from './thread-states.ts';
import type { Thread, TraceIndex } from './trace-index.ts';

/** What a gap is called in which the thread did nothing that is known either. */
export const NOTHING_RECORDED = 'nothing recorded';

/** What a step was. */
export type StepKind =
  /** Code of the task ran on a thread, in a region or what the runtime records. */
  | 'running'
  /** The task waited for a lock, a queue or a pool. */
  | 'waiting'
  /** It waited for something asynchronous that is recorded: a request, an asynchronous region, the thread pool. */
  | 'async'
  /** A message of it was on its way to a thread. */
  | 'message'
  /** Nothing of it is recorded: it awaited what the trace does not show, or its thread was busy with something else. */
  | 'gap';

/** A stretch of the path. Times in nanoseconds since the origin. */
export interface Step {
  readonly kind: StepKind;
  /** Name of the slice; of a gap, what the thread did for most of it. */
  readonly name: string;
  /** '' for what no thread does. */
  readonly thread: string;
  readonly start: number;
  readonly end: number;
  /** Row of the slice; -1 for messages and gaps. */
  readonly row: number;
}

export interface CriticalPath {
  readonly task: Task;
  /** From begin to end. */
  readonly steps: readonly Step[];
}

/** The critical path of a task. n log n in the number of slices that belong to it. */
export function criticalPath(index: TraceIndex, task: Task): CriticalPath {
  const pieces = piecesOf(index, task);
  const open = new OpenIntervals(intervalsOf(pieces));
  const sent = sentMessages(index, pieces);
  const steps: Step[] = [];
  let time = task.end;
  let track = -1;
  let thread: Thread | undefined;
  while (time > task.start) {
    const interval = open.at(time, track);
    if (interval === undefined) {
      const from = Math.max(task.start, open.nextEnd(time));
      steps.push(...gapSteps(index, thread ?? open.firstThread, from, time, sent));
      time = from;
      continue;
    }
    const { piece } = interval;
    ({ track } = piece);
    thread = piece.thread ?? thread;
    const from = Math.max(task.start, interval.start, open.nextEnd(time));
    steps.push(stepOf(index, piece, from, time));
    time = from;
    if (from > piece.start || piece.sender === undefined || piece.sender.time >= from) continue;
    time = Math.max(task.start, piece.sender.time);
    const to = piece.sender.isMessage ? piece.thread : undefined;
    if (time < from) steps.push(...messageSteps(index, piece.sender.name, to, time, from).reverse());
    ({ track } = piece.sender);
  }
  return { task, steps: joined(steps.reverse()) };
}

/** Time of a path by kind of step, in nanoseconds. */
export function timeByKind({ steps }: CriticalPath): Readonly<Record<StepKind, number>> {
  const times = { running: 0, waiting: 0, async: 0, message: 0, gap: 0 };
  for (const { kind, start, end } of steps) times[kind] += end - start;
  return times;
}

/** A stretch of a piece in which nothing inside of it, on its own track, is open. */
interface Interval {
  readonly piece: Piece;
  readonly start: number;
  readonly end: number;
}

/** The pieces of each track as stretches that do not overlap: of nested ones the innermost. */
function intervalsOf(pieces: readonly Piece[]): Interval[] {
  const intervals: Interval[] = [];
  const byTrack = new Map<number, { open: Piece[]; at: number }>();
  const until = (on: { open: Piece[]; at: number }, time: number): void => {
    const piece = on.open.at(-1);
    if (piece !== undefined && time > on.at) intervals.push({ piece, start: on.at, end: time });
    on.at = Math.max(on.at, time);
  };
  const close = (on: { open: Piece[]; at: number }, before: number): void => {
    while (on.open.length > 0 && on.open.at(-1)!.end <= before) {
      until(on, on.open.at(-1)!.end);
      on.open.pop();
    }
  };
  for (const piece of pieces) {
    const on = byTrack.get(piece.track) ?? { open: [], at: -Infinity };
    byTrack.set(piece.track, on);
    close(on, piece.start);
    until(on, piece.start);
    on.at = Math.max(on.at, piece.start);
    on.open.push(piece);
  }
  for (const on of byTrack.values()) close(on, Infinity);
  return intervals;
}

/** Finds what is open at moments that go back in time. */
class OpenIntervals {
  /** By end, the last first; those before `#next` have begun to be open. */
  readonly #byEnd: readonly Interval[];
  #next = 0;
  /** Open ones by rank, each a heap with the latest begin on top: what is over, going back, is there. */
  readonly #open: readonly Interval[][] = [[], [], []];
  readonly #onTrack = new Map<number, Interval>();
  readonly firstThread: Thread | undefined;

  constructor(intervals: readonly Interval[]) {
    this.#byEnd = [...intervals].sort((a, b) => b.end - a.end);
    this.firstThread = intervals.reduce<Interval | undefined>(
      (first, each) =>
        each.piece.thread !== undefined && !(first !== undefined && first.start <= each.start) ? each : first,
      undefined,
    )?.piece.thread;
  }

  /** What counts just before a moment: code that runs before waits, waits before what is awaited; of equals what lies on the track. */
  at(time: number, track: number): Interval | undefined {
    for (; this.#next < this.#byEnd.length && this.#byEnd[this.#next]!.end >= time; this.#next++) {
      const interval = this.#byEnd[this.#next]!;
      pushHeap(this.#open[rank(interval.piece)]!, interval);
      this.#onTrack.set(interval.piece.track, interval);
    }
    const own = this.#onTrack.get(track);
    for (let order = this.#open.length - 1; order >= 0; order--) {
      const heap = this.#open[order]!;
      while (heap.length > 0 && heap[0]!.start >= time) popHeap(heap);
      if (own !== undefined && own.start < time && own.end >= time && rank(own.piece) === order) return own;
      if (heap.length > 0) return heap[0];
    }
    return undefined;
  }

  /** The last end before a moment: there something else may count. */
  nextEnd(time: number): number {
    let at = this.#next;
    while (at < this.#byEnd.length && this.#byEnd[at]!.end >= time) at++;
    return this.#byEnd[at]?.end ?? -Infinity;
  }
}

function rank({ kind }: Piece): number {
  return kind === 'running' ? 2 : kind === 'waiting' ? 1 : 0;
}

function pushHeap(heap: Interval[], interval: Interval): void {
  let at = heap.push(interval) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]!.start >= interval.start) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = interval;
}

/** Removes the top. */
function popHeap(heap: Interval[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]!.start > heap[child]!.start) child++;
    if (heap[child]!.start <= last.start) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
}

function stepOf(index: TraceIndex, { kind, row, thread }: Piece, start: number, end: number): Step {
  // A region that is open across an await is on its thread, which did something else or nothing meanwhile.
  const isIdle =
    kind === 'running' && thread !== undefined && 2 * idleBetween(index, thread, start, end) > end - start;
  return {
    kind: isIdle ? 'async' : kind,
    name: index.nameOf(row),
    thread: thread?.name ?? '',
    start,
    end,
    row,
  };
}

function idleBetween(index: TraceIndex, thread: Thread, start: number, end: number): number {
  return timesBetween(threadTimeline(index, thread), start, end).byState[THREAD_STATES.indexOf('idle')]!;
}

/** The way of a message, by what its receiver did meanwhile. */
function messageSteps(
  index: TraceIndex,
  name: string,
  to: Thread | undefined,
  start: number,
  end: number,
): Step[] {
  const thread = to?.name ?? '';
  const steps: Step[] = [];
  const add = (what: string, from: number, until: number): void => {
    if (until > from) steps.push({ kind: 'message', name: what, thread, start: from, end: until, row: -1 });
  };
  let time = start;
  for (const behind of to === undefined ? [] : queuedBehind(index, to, start, end)) {
    add(name, time, behind.start);
    add(`${name}, queued behind ${behind.what}`, behind.start, behind.end);
    time = behind.end;
  }
  add(name, time, end);
  return steps;
}

/** A message that a slice of the task sent. */
interface SentMessage {
  readonly sent: number;
  readonly received: number;
  readonly name: string;
  readonly to: Thread | undefined;
}

/** What the task sent, by arrival. */
function sentMessages(index: TraceIndex, pieces: readonly Piece[]): SentMessage[] {
  const arrows = arrowsOf(index);
  const sent: SentMessage[] = [];
  for (const { row } of pieces) {
    for (const at of arrowsFrom(index, row)) {
      if (Number.isNaN(arrows.inTime[at]!)) continue;
      const to = index.threadOf(arrows.inTrack[at]!);
      const name = wayOf(index.nameOf(row), index.threadOf(arrows.outTrack[at]!), to);
      sent.push({ sent: arrows.outTime[at]!, received: arrows.inTime[at]!, name, to });
    }
  }
  return sent.sort((a, b) => a.received - b.received);
}

/** Steps of a stretch in which nothing of the task is recorded, the last first. Until its last message arrived it was on its way. */
function gapSteps(
  index: TraceIndex,
  thread: Thread | undefined,
  start: number,
  end: number,
  sent: readonly SentMessage[],
): Step[] {
  let low = 0;
  let high = sent.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sent[middle]!.received <= end) low = middle + 1;
    else high = middle;
  }
  const message = sent[low - 1];
  if (message === undefined || message.received <= start || message.sent > start)
    return [gap(index, thread, start, end)];
  const way = messageSteps(index, message.name, message.to, start, message.received).reverse();
  return message.received < end ? [gap(index, message.to, message.received, end), ...way] : way;
}

function gap(index: TraceIndex, thread: Thread | undefined, start: number, end: number): Step {
  if (thread === undefined) return { kind: 'gap', name: NOTHING_RECORDED, thread: '', start, end, row: -1 };
  const { byState } = timesBetween(threadTimeline(index, thread), start, end);
  const most = byState.indexOf(Math.max(...byState));
  const state = 2 * byState[most]! >= end - start ? THREAD_STATES[most]! : 'unknown';
  const name =
    state === 'idle' || state === 'unknown' ? NOTHING_RECORDED : `${thread.name} was ${GAP_WORDS[state]}`;
  return { kind: 'gap', name, thread: thread.name, start, end, row: -1 };
}

const GAP_WORDS: Readonly<Record<string, string>> = {
  running: 'running something else',
  blocked: 'blocked',
  gc: 'collecting garbage',
  waiting: 'waiting',
};

/** Neighbours that say the same are one step. */
function joined(steps: readonly Step[]): Step[] {
  const result: Step[] = [];
  for (const step of steps) {
    const last = result.at(-1);
    const isSame =
      last !== undefined &&
      last.row === step.row &&
      last.kind === step.kind &&
      last.name === step.name &&
      last.end === step.start;
    if (isSame) result[result.length - 1] = { ...last, end: step.end };
    else result.push(step);
  }
  return result;
}
