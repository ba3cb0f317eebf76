/**
 * What blocked event loops, by stack. A block counts once, with its whole time. One that was seen with several stacks is divided among
 * them: the first has the time from the block's begin until the second was seen, and so on; the block itself counts with the first.
 */
import { type Block, blocksOf, type Sighting } from './blocks.ts';
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
  const { track } = index.trace.columns;
  const stacks = new StackTexts(builder);
  for (const block of blocksOf(index, filter)) {
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
    for (const seen of block.sightings) {
      addUntil(seen.time);
      stack = stacks.ofSighting(seen);
    }
    addUntil(end);
  }
}

/** Stacks that stand in arguments as text. */
class StackTexts {
  readonly #builder: ProfileBuilder;
  readonly #frames = new Map<string, number>();
  readonly #sightings = new Map<number, number>();

  constructor(builder: ProfileBuilder) {
    this.#builder = builder;
  }

  ofBlock({ first: { stack, name, location } }: Block): number {
    return this.#stack(stack, () => frameAt(name, location));
  }

  /** The same is seen again and again: made once. */
  ofSighting({ stack: lines, name, location, args }: Sighting): number {
    let stack = this.#sightings.get(args);
    if (stack === undefined) {
      stack = this.#stack(lines, () => frameAt(name, location));
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
