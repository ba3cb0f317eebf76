/**
 * Waits for locks, shared memory, queues and pools, by what they are for. A wait on a thread has for its stack the slices around it, such
 * as regions and message handlers; an asynchronous one, which lies on no thread, the task that it belongs to. Time in a wait inside
 * another counts for the inner one alone; asynchronous waits overlap, and each counts in full.
 */
import { Category, EventKind } from '@ttrace/format';
import { type Filter, rowFilter } from './filter.ts';
import { OpenSlices } from './open-slices.ts';
import { NO_STACK, type ProfileBuilder } from './profile-builder.ts';
import type { RegionClip } from './region-clip.ts';
import type { TraceIndex } from './trace-index.ts';

/** A wait on a thread that has begun. */
interface OpenWait {
  readonly end: number;
  readonly stack: number;
  readonly labels: number;
}

/** Adds all waits that the filter lets through. The filter's stretch is the clip's affair. */
export function addWaits(index: TraceIndex, filter: Filter, clip: RegionClip, builder: ProfileBuilder): void {
  const { tracks } = index.trace;
  const isWanted = rowFilter(index, { ...filter, from: undefined, to: undefined });
  const open = new OpenSlices(index, builder);
  for (const track of tracksWithWaits(index)) {
    const rows = index.slices.rows.subarray(index.slices.offsets[track], index.slices.offsets[track + 1]);
    if (tracks[track]!.kind === 'thread') {
      addOnThread(index, track, rows, open, { isWanted, clip, builder });
    } else {
      for (const row of rows) if (isWanted(row)) addOnLane(index, row, clip, builder);
    }
  }
}

function tracksWithWaits(index: TraceIndex): ReadonlySet<number> {
  const { kind, category, track } = index.trace.columns;
  const wait = index.category(Category.wait);
  const tracks = new Set<number>();
  for (let row = 0; wait !== -1 && row < index.trace.length; row++) {
    if (category[row] === wait && kind[row] === EventKind.slice) tracks.add(track[row]!);
  }
  return tracks;
}

interface Means {
  readonly isWanted: (row: number) => boolean;
  readonly clip: RegionClip;
  readonly builder: ProfileBuilder;
}

function addOnThread(
  index: TraceIndex,
  track: number,
  rows: Uint32Array,
  open: OpenSlices,
  { isWanted, clip, builder }: Means,
): void {
  const { category, start } = index.trace.columns;
  const { pid, name } = index.trace.tracks[track]!;
  const wait = index.category(Category.wait);
  const thread = builder.text(index.threadOf(track)?.name ?? name);
  const waits: OpenWait[] = [];
  open.clear();
  for (const row of rows) {
    open.enter(row);
    if (category[row] !== wait || !isWanted(row)) continue;
    const begin = start[row]!;
    const task = index.taskOf(row);
    const end = index.endOf(row);
    const nanos = clip.within(track, pid, task, begin, end);
    if (nanos === 0 && clip.isNarrow) continue;
    const stack = open.stack;
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

function addOnLane(index: TraceIndex, row: number, clip: RegionClip, builder: ProfileBuilder): void {
  const { category, name, start, track } = index.trace.columns;
  if (category[row] !== index.category(Category.wait)) return;
  const task = index.taskOf(row);
  const nanos = clip.within(-1, index.trace.tracks[track[row]!]!.pid, task, start[row]!, index.endOf(row));
  if (nanos === 0 && clip.isNarrow) return;
  const taskName = task === 0 ? 0 : builder.taskName(task);
  const around = taskName === 0 ? NO_STACK : builder.stack(NO_STACK, builder.named(taskName));
  builder.add(builder.stack(around, builder.named(name[row]!)), builder.labels(0, task, 0), 1, nanos);
}
