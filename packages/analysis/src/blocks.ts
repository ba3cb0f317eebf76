/**
 * What blocked event loops: turns that the recorder called blocks, one by one and grouped by the function that was running, with where it
 * is. A block without a stack, and one whose thread was in no function of the program, is grouped under what is known of it.
 */
import { Argument, Category, EventKind, type Trace } from '@ttrace/format';
import { type Filter, rowFilter } from './filter.ts';
import { indexOf, type TraceIndex } from './trace-index.ts';

/** One block. */
export interface Block {
  readonly row: number;
  /** What was running, such as `hash auth.js:12 → pbkdf2Sync`; `blocked` when that is not known. */
  readonly name: string;
  /** `file:line` of the function; '' when not known. */
  readonly location: string;
  /** Nanoseconds since the origin. One without an end, because the trace was cut off, lasts as long as the trace. */
  readonly start: number;
  readonly end: number;
  readonly isComplete: boolean;
  readonly thread: string;
  /** The innermost open region, '' for none. */
  readonly region: string;
  /** Number of the task that was running, 0 for none. */
  readonly task: number;
  /** Frames of the first stack that was seen, innermost first: `function (file:line:column)`. */
  readonly stack: readonly string[];
}

/** One culprit. Times in nanoseconds. */
export interface BlockStats {
  readonly name: string;
  readonly location: string;
  readonly count: number;
  /** Of these, how many have no end in the trace. */
  readonly unfinished: number;
  readonly totalNanos: number;
  readonly maxNanos: number;
  /** Begin of the longest one. */
  readonly worstStartNanos: number;
  /** Names of the threads that were blocked. */
  readonly threads: readonly string[];
  /** Frames of the longest one's first stack. */
  readonly stack: readonly string[];
}

/** All blocks that a filter lets through, in file order. Its name is a block's, or the function's that blocked, whatever it had called. */
export function blocksOf(index: TraceIndex, filter: Filter = {}): readonly Block[] {
  const { name: wanted, ...rest } = filter;
  const isWanted = rowFilter(index, rest);
  return index
    .once(findBlocks)
    .filter(
      ({ row, name }) =>
        (wanted === undefined || name === wanted || functionOf(name) === wanted) && isWanted(row),
    );
}

/** Blocks by culprit, the longest total first. Linear in the number of rows. */
export function blockStats(trace: Trace): BlockStats[] {
  return groupedBlocks(blocksOf(indexOf(trace))).map(({ name, location, blocks }) => {
    const worst = longestOf(blocks);
    return {
      name,
      location,
      count: blocks.length,
      unfinished: blocks.filter(({ isComplete }) => !isComplete).length,
      totalNanos: totalOf(blocks),
      maxNanos: worst.end - worst.start,
      worstStartNanos: worst.start,
      threads: [...new Set(blocks.map(({ thread }) => thread))].sort(),
      stack: worst.stack,
    };
  });
}

/** Blocks of one culprit; at least one. */
export interface BlockGroup {
  readonly name: string;
  readonly location: string;
  readonly blocks: readonly Block[];
}

/** `hash auth.js:12` of `hash auth.js:12 → pbkdf2Sync`: what was called varies from one look to the next. */
export function functionOf(name: string): string {
  const at = name.indexOf(' → ');
  return at < 0 ? name : name.slice(0, at);
}

/** Groups blocks by function and place, the longest total first. What it had called is named where it was always the same. */
export function groupedBlocks(blocks: readonly Block[]): BlockGroup[] {
  const groups = new Map<string, Block[]>();
  for (const block of blocks) {
    const key = `${functionOf(block.name)}\n${block.location}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [block]);
    else group.push(block);
  }
  return [...groups.values()]
    .map((group) => ({ name: commonName(group), location: group[0]!.location, blocks: group }))
    .sort((a, b) => totalOf(b.blocks) - totalOf(a.blocks) || (a.name < b.name ? -1 : 1));
}

function commonName(blocks: readonly Block[]): string {
  const { name } = blocks[0]!;
  return blocks.every((block) => block.name === name) ? name : functionOf(name);
}

/** Time of all of them together, in nanoseconds. */
export function totalOf(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** Of at least one. */
export function longestOf(blocks: readonly Block[]): Block {
  return blocks.reduce((a, b) => (b.end - b.start > a.end - a.start ? b : a));
}

function findBlocks(index: TraceIndex): Block[] {
  const { kind, category, args, track, start, value } = index.trace.columns;
  const loop = index.category(Category.loop);
  const blocks: Block[] = [];
  for (let row = 0; row < index.trace.length; row++) {
    if (category[row] !== loop || kind[row] !== EventKind.slice || args[row] === 0) continue;
    const facts = index.argsOf(row);
    if (facts[Argument.blocked] !== true) continue;
    const stack = facts[Argument.stack];
    blocks.push({
      row,
      name: index.nameOf(row),
      location: textOf(facts[Argument.location]),
      start: start[row]!,
      end: index.endOf(row),
      isComplete: value[row]! >= 0,
      thread: index.threadOf(track[row]!)?.name ?? index.trace.tracks[track[row]!]!.name,
      region: textOf(facts.region),
      task: index.taskOf(row),
      stack: Array.isArray(stack) ? stack.map(textOf) : [],
    });
  }
  return blocks;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
