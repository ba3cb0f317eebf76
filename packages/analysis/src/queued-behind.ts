/** What a thread did while a message to it was on its way: what the message was queued behind. */
import { Category } from '@ttrace/format';
import { type Block, blocksOf, functionOf } from './blocks.ts';
import { tasksOf } from './tasks.ts';
import type { Thread, TraceIndex } from './trace-index.ts';

/** A stretch in which the receiver did one thing. Times in nanoseconds since the origin. */
export interface QueuedBehind {
  readonly start: number;
  readonly end: number;
  /** Region, wait or function, and the task that it belonged to: `feed of publish feed`. */
  readonly what: string;
}

/** What takes less of the time than this is left out. */
const LEAST_SHARE = 0.02;

/** Stretches that follow each other between two moments, and need not fill the time: what ran, else what blocked the event loop. */
export function queuedBehind(index: TraceIndex, thread: Thread, from: number, to: number): QueuedBehind[] {
  const { start } = index.trace.columns;
  const found: QueuedBehind[] = [];
  let until = from;
  const add = (begin: number, end: number, what: () => string): void => {
    const first = Math.max(until, begin);
    const last = Math.min(to, end);
    if (last - first < LEAST_SHARE * (to - from)) return;
    found.push({ start: first, end: last, what: what() });
    until = last;
  };
  const blocks = blocksIn(index, thread, from, to);
  const addBlocks = (before: number): void => {
    for (const block of blocks) {
      add(
        block.start,
        Math.min(before, block.end),
        () => `${functionOf(block.name)}${ofTask(index, block.task)}`,
      );
    }
  };
  for (const row of outermostIn(index, thread.track, from, to)) {
    const [begin, end] = [Math.max(from, start[row]!), Math.min(to, index.endOf(row))];
    addBlocks(begin);
    add(begin, end, () => whatIs(index, thread, row, begin, end));
  }
  addBlocks(to);
  return found;
}

/** Blocks of a thread that are known, as far as they reach between two moments. */
function blocksIn(index: TraceIndex, thread: Thread, from: number, to: number): readonly Block[] {
  const blocks = index.once(blocksByThread).get(thread) ?? [];
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (blocks[middle]!.end <= from) low = middle + 1;
    else high = middle;
  }
  let last = low;
  while (last < blocks.length && blocks[last]!.start < to) last++;
  return blocks.slice(low, last);
}

/** By begin: those of one loop do not overlap. */
function blocksByThread(index: TraceIndex): ReadonlyMap<Thread, readonly Block[]> {
  const byThread = new Map<Thread, Block[]>();
  for (const block of blocksOf(index)) {
    // Two processes may have threads of one name.
    const thread = index.threadOf(index.trace.columns.track[block.row]!);
    if (block.name === 'blocked' || thread === undefined) continue;
    const blocks = byThread.get(thread);
    if (blocks === undefined) byThread.set(thread, [block]);
    else blocks.push(block);
  }
  for (const blocks of byThread.values()) blocks.sort((x, y) => x.start - y.start);
  return byThread;
}

/** Slices of a track that lie in no other one there, as far as they are open between two moments. */
function outermostIn(index: TraceIndex, track: number, from: number, to: number): number[] {
  const { start } = index.trace.columns;
  const found: number[] = [];
  let row = index.sliceAt(track, from);
  for (let outer = row; outer >= 0; outer = index.parentOf(outer)) row = outer;
  let until = from;
  if (row >= 0 && index.endOf(row) > from) {
    found.push(row);
    until = index.endOf(row);
  }
  for (const next of index.slicesFrom(track, from)) {
    if (start[next]! >= to) break;
    if (start[next]! < until || next === row) continue;
    found.push(next);
    until = index.endOf(next);
  }
  return found;
}

/** A message's handler is called after what it did for most of the time. */
function whatIs(index: TraceIndex, thread: Thread, row: number, from: number, to: number): string {
  const { category, start } = index.trace.columns;
  const isHandler = (each: number): boolean => category[each] === index.category(Category.message);
  const length = to - from;
  if (!isHandler(row)) return named(index, row);
  let best = -1;
  let most = 0;
  let until = -Infinity;
  const look = (inner: number): void => {
    if (inner === row || isHandler(inner) || start[inner]! < until) return;
    until = index.endOf(inner);
    const overlap = Math.min(to, until) - Math.max(from, start[inner]!);
    if (overlap > most) [best, most] = [inner, overlap];
  };
  // What was open in it at the begin, then what begins after: a handler may hold thousands of others.
  let open = -1;
  for (let at = index.sliceAt(thread.track, from); at >= 0 && at !== row; at = index.parentOf(at)) {
    if (!isHandler(at)) open = at;
  }
  if (open >= 0) look(open);
  for (const inner of index.slicesFrom(thread.track, from)) {
    if (start[inner]! >= to) break;
    look(inner);
  }
  if (2 * most >= length) return named(index, best);
  const block = blocksIn(index, thread, from, to).find(
    (each) => 2 * (Math.min(to, each.end) - Math.max(from, each.start)) >= length,
  );
  if (block !== undefined && block.name !== 'blocked')
    return `${functionOf(block.name)}${ofTask(index, block.task)}`;
  return `another message${ofTask(index, index.taskOf(row))}`;
}

function named(index: TraceIndex, row: number): string {
  return `${index.nameOf(row)}${ofTask(index, index.taskOf(row))}`;
}

function ofTask(index: TraceIndex, task: number): string {
  const known = tasksOf(index).byNumber(task);
  return known === undefined ? '' : ` of ${known.name}`;
}
