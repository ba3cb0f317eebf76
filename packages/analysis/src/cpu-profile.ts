/**
 * Which functions the processor was in, from CPU samples: of a stack the time in which it was the whole stack, so that each moment counts
 * once. What is counted beside it is how often sampling found the stack anew: samples that find the same again are one slice in a trace.
 *
 * A filter's task and region are those in which the samples were taken. Its name, text, attribute and durations keep the stacks in which
 * a function has them.
 */
import { Argument, Category } from '@ttrace/format';
import { type Filter, isNarrowing, rowFilter } from './filter.ts';
import { PairTable } from './pair-table.ts';
import { NO_STACK, type ProfileBuilder } from './profile-builder.ts';
import type { RegionClip } from './region-clip.ts';
import { frameAt } from './stack-frame.ts';
import type { TraceIndex } from './trace-index.ts';

/** A function that is on the stack. */
interface OpenFunction {
  readonly end: number;
  readonly stack: number;
  readonly labels: number;
  readonly task: number;
  /** Whether the filter lets through the place in which the sample was taken, and this function or one that called it. */
  readonly isOfPlace: boolean;
  readonly isWanted: boolean;
}

/** Adds all samples that the filter lets through. Its stretch is the clip's affair. */
export function addSamples(
  index: TraceIndex,
  filter: Filter,
  clip: RegionClip,
  builder: ProfileBuilder,
): void {
  const { thread, task, from: _from, to: _to, ...ofFunctions } = filter;
  const isPlaceWanted = rowFilter(index, { thread, task });
  const isFunctionWanted = isNarrowing(ofFunctions) ? rowFilter(index, ofFunctions) : () => true;
  const frames = new SampledFrames(index, builder);
  index.trace.tracks.forEach(({ kind, category }, track) => {
    if (kind !== 'async' || category !== Category.sample) return;
    addTrack(index, track, { isPlaceWanted, isFunctionWanted, frames, clip, builder });
  });
}

interface Means {
  readonly isPlaceWanted: (row: number) => boolean;
  readonly isFunctionWanted: (row: number) => boolean;
  readonly frames: SampledFrames;
  readonly clip: RegionClip;
  readonly builder: ProfileBuilder;
}

function addTrack(index: TraceIndex, track: number, means: Means): void {
  const { isPlaceWanted, isFunctionWanted, frames, clip, builder } = means;
  const { start } = index.trace.columns;
  const thread = index.threadOf(track);
  const { pid } = index.trace.tracks[track]!;
  const threadName = builder.text(thread?.name ?? '');
  const open: OpenFunction[] = [];
  let at = -Infinity;
  const until = (time: number): void => {
    const top = open[open.length - 1];
    if (top?.isWanted && time > at) {
      const nanos = clip.within(thread?.track ?? -1, pid, top.task, at, time);
      if (nanos > 0) builder.add(top.stack, top.labels, 1, nanos);
    }
    if (time > at) at = time;
  };
  const closeBefore = (time: number): void => {
    while (open.length > 0 && open[open.length - 1]!.end <= time) {
      until(open[open.length - 1]!.end);
      open.pop();
    }
  };
  const { rows, offsets } = index.slices;
  for (let i = offsets[track]!; i < offsets[track + 1]!; i++) {
    const row = rows[i]!;
    const begin = start[row]!;
    closeBefore(begin);
    until(begin);
    const outer = open[open.length - 1];
    const isOfPlace = outer?.isOfPlace ?? isPlaceWanted(row);
    const task = outer?.task ?? index.taskOf(row);
    open.push({
      end: index.endOf(row),
      stack: builder.stack(outer?.stack ?? NO_STACK, frames.of(row)),
      labels: outer?.labels ?? builder.labels(threadName, task, frames.regionOf(row)),
      task,
      isOfPlace,
      isWanted: isOfPlace && (outer?.isWanted === true || isFunctionWanted(row)),
    });
  }
  closeBefore(Infinity);
}

/** Functions as frames, each distinct one read once. */
class SampledFrames {
  readonly #index: TraceIndex;
  readonly #builder: ProfileBuilder;
  readonly #pairs = new PairTable();
  readonly #frames: number[] = [];
  /** By string id of arguments. */
  readonly #regions = new Map<number, number>();

  constructor(index: TraceIndex, builder: ProfileBuilder) {
    this.#index = index;
    this.#builder = builder;
  }

  of(row: number): number {
    const { name, args } = this.#index.trace.columns;
    const id = this.#pairs.idOf(name[row]!, args[row]!);
    let frame = this.#frames[id];
    if (frame === undefined) {
      const { [Argument.location]: location } = this.#index.argsOf(row);
      const place = typeof location === 'string' ? location : '';
      frame = this.#builder.frame(frameAt(this.#index.nameOf(row), place));
      this.#frames[id] = frame;
    }
    return frame;
  }

  /** Number of the name of the region in which the outermost function of a stack was sampled, 0 for none. */
  regionOf(row: number): number {
    const args = this.#index.trace.columns.args[row]!;
    let region = this.#regions.get(args);
    if (region === undefined) {
      const { region: name } = this.#index.argsOf(row);
      region = this.#builder.text(typeof name === 'string' ? name : '');
      this.#regions.set(args, region);
    }
    return region;
  }
}
