/**
 * Waits for locks, shared memory, queues and pools, by what they are for. A wait on a thread has for its stack the slices around it, such
 * as regions and message handlers, and the code that waited, where the recorder has looked; an asynchronous one, which lies on no thread, the
 * task that it belongs to. Time in a wait inside another counts for the inner one alone; asynchronous waits overlap, and each counts in full.
 */
import type { Filter } from './filter.ts';
import { waitFrames } from './memory-words.ts';
import { OpenSlices } from './open-slices.ts';
import { NO_STACK, type ProfileBuilder } from './profile-builder.ts';
import type { RegionClip } from './region-clip.ts';
import type { TraceIndex } from './trace-index.ts';
import { actingThread, waitRows } from './wait-rows.ts';

/** A wait on a thread that has begun. */
interface OpenWait {
  readonly end: number;
  readonly stack: number;
  readonly labels: number;
}

/** Adds all waits that the filter lets through. */
export function addWaits(index: TraceIndex, filter: Filter, clip: RegionClip, builder: ProfileBuilder): void {
  const { track } = index.trace.columns;
  const open = new OpenSlices(index, builder);
  const isWanted = new Uint8Array(index.trace.length);
  const threads = new Set<number>();
  for (const row of waitRows(index, filter)) {
    isWanted[row] = 1;
    if (index.trace.tracks[track[row]!]!.kind === 'thread') threads.add(track[row]!);
    else addOnLane(index, row, clip, builder);
  }
  for (const each of threads) addOnThread(index, each, open, { isWanted, clip, builder });
}

interface Means {
  /** 1 by the rows of waits that count. */
  readonly isWanted: Uint8Array;
  readonly clip: RegionClip;
  readonly builder: ProfileBuilder;
}

function addOnThread(
  index: TraceIndex,
  track: number,
  open: OpenSlices,
  { isWanted, clip, builder }: Means,
): void {
  const { start } = index.trace.columns;
  const { pid, name } = index.trace.tracks[track]!;
  const thread = builder.text(index.threadOf(track)?.name ?? name);
  const waits: OpenWait[] = [];
  open.clear();
  const { rows, offsets } = index.slices;
  for (let i = offsets[track]!; i < offsets[track + 1]!; i++) {
    const row = rows[i]!;
    open.enter(row);
    if (isWanted[row] === 0) continue;
    const begin = start[row]!;
    const task = index.taskOf(row);
    const end = index.endOf(row);
    const nanos = clip.within(track, pid, task, begin, end);
    if (nanos === 0 && clip.isNarrow) continue;
    const stack = stackOf(index, row, open, builder);
    const labels = builder.labels(thread, task, builder.textOf(open.region));
    builder.add(stack, labels, 1, nanos);
    while (waits.length > 0 && waits[waits.length - 1]!.end <= begin) waits.pop();
    const outer = waits[waits.length - 1];
    if (outer !== undefined) {
      const shared = clip.within(track, pid, task, begin, Math.min(end, outer.end));
      builder.add(outer.stack, outer.labels, 0, -shared);
    }
    waits.push({ end, stack, labels });
  }
}

/** What is open around a wait, the functions that led to it, and the wait itself. */
function stackOf(index: TraceIndex, row: number, open: OpenSlices, builder: ProfileBuilder): number {
  const frames = waitFrames(index, row);
  if (frames.length === 0) return open.stack;
  let stack = open.stackAround;
  for (let at = frames.length - 1; at >= 0; at--) stack = builder.stack(stack, builder.frame(frames[at]!));
  return builder.stack(stack, builder.named(index.trace.columns.name[row]!));
}

function addOnLane(index: TraceIndex, row: number, clip: RegionClip, builder: ProfileBuilder): void {
  const { name, start, track } = index.trace.columns;
  const task = index.taskOf(row);
  const nanos = clip.within(-1, index.trace.tracks[track[row]!]!.pid, task, start[row]!, index.endOf(row));
  if (nanos === 0 && clip.isNarrow) return;
  const taskName = task === 0 ? 0 : builder.taskName(task);
  const around = taskName === 0 ? NO_STACK : builder.stack(NO_STACK, builder.named(taskName));
  const thread = builder.text(actingThread(index, row)?.name ?? '');
  builder.add(builder.stack(around, builder.named(name[row]!)), builder.labels(thread, task, 0), 1, nanos);
}
