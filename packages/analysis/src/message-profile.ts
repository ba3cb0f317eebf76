/**
 * How long messages were on their way: from the begin of the slice that sends one to the begin of the one that receives it, by the two
 * threads, as the innermost frame `main → worker 2`, and the slices around the sending. A message with several receivers
 * counts once for each; one that nobody received counts nowhere. A filter means what it does to the table of messages: `thread` is
 * either end, `min` and `max` are the time on the way, all else is the sender's.
 */
import { Category, EventKind, sortParentsFirst } from '@ttrace/format';
import { type Filter, isThreadWanted, rowFilter } from './filter.ts';
import { OpenSlices } from './open-slices.ts';
import { PairTable } from './pair-table.ts';
import type { ProfileBuilder } from './profile-builder.ts';
import type { RegionClip } from './region-clip.ts';
import type { TraceIndex } from './trace-index.ts';

/** Adds all messages that the filter lets through. */
export function addMessages(
  index: TraceIndex,
  filter: Filter,
  clip: RegionClip,
  builder: ProfileBuilder,
): void {
  const { kind, start, track, value } = index.trace.columns;
  const { min = -Infinity, max = Infinity } = filter;
  const sends = sendsOf(index, filter, builder);
  if (sends === undefined) return;
  const ways = new Ways(index, builder);
  const isOfThread = index.trace.tracks.map((_, at) => {
    const thread = index.threadOf(at);
    return filter.thread === undefined || (thread !== undefined && isThreadWanted(filter, thread));
  });
  for (let row = 0; row < index.trace.length; row++) {
    if (kind[row] !== EventKind.flowIn) continue;
    const flow = value[row]!;
    const send = sends.rows[flow] ?? NONE;
    if (send === NONE) continue;
    const sender = track[send]!;
    const begin = start[send]!;
    const end = Math.max(begin, start[row]!);
    if (!isOfThread[sender] && !isOfThread[track[row]!]) continue;
    if (end - begin < min || end - begin >= max) continue;
    const nanos = clip.within(sender, index.trace.tracks[sender]!.pid, index.taskOf(send), begin, end);
    if (nanos === 0 && clip.isNarrow) continue;
    const stack = builder.stack(sends.stacks[flow]!, ways.frame(sender, track[row]!));
    builder.add(stack, sends.labels[flow]!, 1, nanos);
  }
}

const NONE = -1;

/** Messages as their senders saw them, by the numbers of their flows. */
interface Sends {
  /** The sending slices; NONE where there is none. */
  readonly rows: Int32Array;
  readonly stacks: Int32Array;
  readonly labels: Int32Array;
}

function sendsOf(index: TraceIndex, filter: Filter, builder: ProfileBuilder): Sends | undefined {
  const { category, start, value } = index.trace.columns;
  const message = index.category(Category.message);
  if (message === -1) return undefined;
  const ofSlice: Filter = { ...filter, thread: undefined, min: undefined, max: undefined };
  const isWanted = rowFilter(index, ofSlice);
  const open = new OpenSlices(index, builder);
  const { byTrack, highest } = flowsByTrack(index);
  const sends: Sends = {
    rows: new Int32Array(highest + 1).fill(NONE),
    stacks: new Int32Array(highest + 1),
    labels: new Int32Array(highest + 1),
  };
  for (const [track, flows] of byTrack) {
    const rows = index.slices.rows.subarray(index.slices.offsets[track], index.slices.offsets[track + 1]);
    const thread = builder.text(index.threadOf(track)?.name ?? index.trace.tracks[track]!.name);
    let next = 0;
    open.clear();
    for (const flow of flows) {
      while (next < rows.length && start[rows[next]!]! <= start[flow]!) open.enter(rows[next++]!);
      open.leaveBefore(start[flow]!);
      const row = open.innermost;
      if (row < 0 || category[row] !== message || !isWanted(row)) continue;
      sends.rows[value[flow]!] = row;
      sends.stacks[value[flow]!] = open.stack;
      sends.labels[value[flow]!] = builder.labels(thread, index.taskOf(row), builder.textOf(open.region));
    }
  }
  return sends;
}

/** Begins of flows by track, in time, and the highest number of a flow: they are counted from 1, and 0 is none. */
function flowsByTrack(index: TraceIndex): { byTrack: ReadonlyMap<number, Uint32Array>; highest: number } {
  const { kind, start, track, value } = index.trace.columns;
  const lists = new Map<number, number[]>();
  let highest = 0;
  for (let row = 0; row < index.trace.length; row++) {
    if (kind[row] !== EventKind.flowOut || value[row] === 0) continue;
    highest = Math.max(highest, value[row]!);
    const list = lists.get(track[row]!);
    if (list === undefined) lists.set(track[row]!, [row]);
    else list.push(row);
  }
  const byTrack = new Map<number, Uint32Array>();
  for (const [at, list] of lists) {
    const rows = Uint32Array.from(list);
    sortParentsFirst(rows, start, value);
    byTrack.set(at, rows);
  }
  return { byTrack, highest };
}

/** Frames that name a sending and a receiving thread. */
class Ways {
  readonly #index: TraceIndex;
  readonly #builder: ProfileBuilder;
  readonly #pairs = new PairTable();
  readonly #frames: number[] = [];

  constructor(index: TraceIndex, builder: ProfileBuilder) {
    this.#index = index;
    this.#builder = builder;
  }

  frame(from: number, to: number): number {
    const id = this.#pairs.idOf(from, to);
    let frame = this.#frames[id];
    if (frame === undefined) {
      const name = `${this.#nameOf(from)} → ${this.#nameOf(to)}`;
      frame = this.#builder.frame({ name, file: '', line: 0 });
      this.#frames[id] = frame;
    }
    return frame;
  }

  #nameOf(track: number): string {
    return this.#index.threadOf(track)?.name ?? this.#index.trace.tracks[track]!.name;
  }
}
