/**
 * What blocked event loops, by stack. A block counts once, with its whole time. One that was seen with several stacks is divided among
 * them: the first has the time from the block's begin until the second was seen, and so on; the block itself counts with the first.
 */
import { Argument, Category, EventKind } from '@ttrace/format';
import { type Filter, rowFilter } from './filter.ts';
import { NO_STACK, type ProfileBuilder } from './profile-builder.ts';
import type { RegionClip } from './region-clip.ts';
import { frameAt, parseFrame } from './stack-frame.ts';
import { isBlock } from './thread-states.ts';
import type { TraceIndex } from './trace-index.ts';

/** Frames further out are left out. */
const MAX_DEPTH = 128;

/** Adds all blocks that the filter lets through. The filter's stretch is the clip's affair. */
export function addBlocks(
  index: TraceIndex,
  filter: Filter,
  clip: RegionClip,
  builder: ProfileBuilder,
): void {
  const { start, track } = index.trace.columns;
  const { blocks, sightings } = loopRows(
    index,
    rowFilter(index, { ...filter, from: undefined, to: undefined }),
  );
  const stacks = new StackTexts(index, builder);
  let next = 0;
  for (const row of blocks) {
    const own = track[row]!;
    const end = index.endOf(row);
    while (next < sightings.length && isBefore(index, sightings[next]!, row)) next++;
    const labels = labelsOf(index, builder, row);
    let current = stacks.of(row);
    let at = start[row]!;
    let count = 1;
    const add = (until: number): void => {
      const nanos = timeWithin(index, clip, row, at, until);
      at = until;
      if (nanos === 0 && (clip.isNarrow || count === 0)) return;
      builder.add(current, labels, count, nanos);
      count = 0;
    };
    for (; next < sightings.length; next++) {
      const seen = sightings[next]!;
      if (track[seen] !== own || start[seen]! >= end) break;
      add(start[seen]!);
      current = stacks.of(seen);
    }
    add(end);
  }
}

/** Blocks, and instants that say what was running later in one; both by track and time. */
function loopRows(
  index: TraceIndex,
  isWanted: (row: number) => boolean,
): { blocks: number[]; sightings: number[] } {
  const { kind, category, args } = index.trace.columns;
  const loop = index.category(Category.loop);
  const blocks: number[] = [];
  const sightings: number[] = [];
  for (let row = 0; row < index.trace.length; row++) {
    if (category[row] !== loop || args[row] === 0) continue;
    if (kind[row] === EventKind.instant) sightings.push(row);
    else if (kind[row] === EventKind.slice && isBlock(index, row) && isWanted(row)) blocks.push(row);
  }
  const { start, track } = index.trace.columns;
  const order = (a: number, b: number): number => track[a]! - track[b]! || start[a]! - start[b]! || a - b;
  return { blocks: blocks.sort(order), sightings: sightings.sort(order) };
}

function isBefore({ trace: { columns } }: TraceIndex, row: number, block: number): boolean {
  const difference = columns.track[row]! - columns.track[block]!;
  return difference < 0 || (difference === 0 && columns.start[row]! <= columns.start[block]!);
}

function timeWithin(index: TraceIndex, clip: RegionClip, row: number, from: number, to: number): number {
  const track = index.trace.columns.track[row]!;
  const { pid } = index.trace.tracks[track]!;
  return clip.within(index.threadOf(track)?.track ?? -1, pid, index.taskOf(row), from, to);
}

function labelsOf(index: TraceIndex, builder: ProfileBuilder, row: number): number {
  const thread = index.threadOf(index.trace.columns.track[row]!)?.name ?? '';
  const { region } = index.argsOf(row);
  return builder.labels(
    builder.text(thread),
    index.taskOf(row),
    builder.text(typeof region === 'string' ? region : ''),
  );
}

/** Stacks that stand in arguments, each distinct text read once. */
class StackTexts {
  readonly #index: TraceIndex;
  readonly #builder: ProfileBuilder;
  readonly #known = new Map<string, number>();

  constructor(index: TraceIndex, builder: ProfileBuilder) {
    this.#index = index;
    this.#builder = builder;
  }

  of(row: number): number {
    const { name, args } = this.#index.trace.columns;
    const key = `${args[row]} ${name[row]}`;
    let stack = this.#known.get(key);
    if (stack === undefined) {
      stack = this.#read(row);
      this.#known.set(key, stack);
    }
    return stack;
  }

  #read(row: number): number {
    const { [Argument.stack]: own, [Argument.location]: location } = this.#index.argsOf(row);
    const lines = Array.isArray(own) ? own.map(String) : typeof own === 'string' ? own.split('\n') : [];
    const frames = lines.slice(0, MAX_DEPTH).map(parseFrame);
    // Nobody saw what was running: all that is known is what the block is called.
    if (frames.length === 0) {
      frames.push(frameAt(this.#index.nameOf(row), typeof location === 'string' ? location : ''));
    }
    return frames.reduceRight(
      (stack, frame) => this.#builder.stack(stack, this.#builder.frame(frame)),
      NO_STACK,
    );
  }
}
