/**
 * What blocked event loops, by stack. A block counts once, with its whole time. One that was seen with several stacks is divided among
 * them: the first has the time from the block's begin until the second was seen, and so on; the block itself counts with the first.
 */
import { Argument, Category, EventKind } from '@ttrace/format';
import { type Block, blocksOf } from './blocks.ts';
import type { Filter } from './filter.ts';
import { NO_STACK, type ProfileBuilder } from './profile-builder.ts';
import type { RegionClip } from './region-clip.ts';
import { type Frame, frameAt, parseFrame } from './stack-frame.ts';
import type { TraceIndex } from './trace-index.ts';

/** Frames further out are left out. */
const MAX_DEPTH = 128;

/** Adds all blocks that the filter lets through. */
export function addBlocks(
  index: TraceIndex,
  filter: Filter,
  clip: RegionClip,
  builder: ProfileBuilder,
): void {
  const { start, track } = index.trace.columns;
  const order = (a: number, b: number): number => track[a]! - track[b]! || start[a]! - start[b]!;
  const blocks = [...blocksOf(index, filter)].sort((a, b) => order(a.row, b.row));
  const sightings = sightingsOf(index).sort(order);
  const stacks = new StackTexts(index, builder);
  let next = 0;
  for (const block of blocks) {
    const { row, end, task } = block;
    const own = track[row]!;
    const thread = index.threadOf(own)?.track ?? -1;
    const labels = builder.labels(builder.text(block.thread), task, builder.text(block.region));
    let stack = stacks.ofBlock(block);
    let at = block.start;
    let count = 1;
    const addUntil = (time: number): void => {
      const nanos = clip.within(thread, index.trace.tracks[own]!.pid, task, at, time);
      at = time;
      if (nanos === 0 && (clip.isNarrow || count === 0)) return;
      builder.add(stack, labels, count, nanos);
      count = 0;
    };
    while (next < sightings.length && order(sightings[next]!, row) <= 0) next++;
    for (; next < sightings.length; next++) {
      const seen = sightings[next]!;
      if (track[seen] !== own || start[seen]! >= end) break;
      addUntil(start[seen]!);
      stack = stacks.ofSighting(seen);
    }
    addUntil(end);
  }
}

/** Instants that say what was running later in a block. */
function sightingsOf(index: TraceIndex): number[] {
  const { kind, category, args } = index.trace.columns;
  const loop = index.category(Category.loop);
  const rows: number[] = [];
  for (let row = 0; row < index.trace.length; row++) {
    if (category[row] === loop && kind[row] === EventKind.instant && args[row] !== 0) rows.push(row);
  }
  return rows;
}

/** Stacks that stand in arguments as text. */
class StackTexts {
  readonly #index: TraceIndex;
  readonly #builder: ProfileBuilder;
  readonly #frames = new Map<string, number>();
  readonly #sightings = new Map<number, number>();

  constructor(index: TraceIndex, builder: ProfileBuilder) {
    this.#index = index;
    this.#builder = builder;
  }

  ofBlock({ stack, name, location }: Block): number {
    return this.#stack(stack, () => frameAt(name, location));
  }

  /** The same is seen again and again: read once. */
  ofSighting(row: number): number {
    const args = this.#index.trace.columns.args[row]!;
    let stack = this.#sightings.get(args);
    if (stack === undefined) {
      const lines = this.#index.argsOf(row)[Argument.stack];
      const name = this.#index.nameOf(row);
      stack = this.#stack(Array.isArray(lines) ? lines.map(String) : [], () => frameAt(name, ''));
      this.#sightings.set(args, stack);
    }
    return stack;
  }

  /** @param known all that is known where nobody saw what was running. */
  #stack(lines: readonly string[], known: () => Frame): number {
    if (lines.length === 0) return this.#builder.stack(NO_STACK, this.#builder.frame(known()));
    let stack = NO_STACK;
    for (let at = Math.min(lines.length, MAX_DEPTH) - 1; at >= 0; at--) {
      stack = this.#builder.stack(stack, this.#frame(lines[at]!));
    }
    return stack;
  }

  #frame(text: string): number {
    let frame = this.#frames.get(text);
    if (frame === undefined) {
      frame = this.#builder.frame(parseFrame(text));
      this.#frames.set(text, frame);
    }
    return frame;
  }
}
