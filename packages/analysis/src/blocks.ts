/**
 * What blocked event loops: turns that the recorder called blocks, one by one and grouped by the function that was running, with where it
 * is. A block without a stack, and one whose thread was in no function of the program, is grouped under what is known of it.
 *
 * The recorder names a long block while it lasts; here it is named after the function that it was seen in for the most time, to its end.
 */
import { Argument, Category, EventKind, type Trace } from '@ttrace/format';
import { type Filter, rowFilter } from './filter.ts';
import { frameText, parseFrame } from './stack-frame.ts';
import { indexOf, type TraceIndex } from './trace-index.ts';

/** What was seen in a block. */
interface Seen {
  /** What was running, such as `hash auth.js:12 → pbkdf2Sync`; `blocked` when that is not known. */
  readonly name: string;
  /** `file:line` of the function; '' when not known. */
  readonly location: string;
  /** Frames of the first stack that was seen of this function, innermost first: `function (file:line:column)`. */
  readonly stack: readonly string[];
}

/** A look into a block that goes on. */
export interface Sighting extends Seen {
  readonly time: number;
  /** Number of the event's arguments: equal numbers, equal stacks. */
  readonly args: number;
}

/** One block. */
export interface Block extends Seen {
  readonly row: number;
  /** Nanoseconds since the origin. One without an end, because the trace was cut off, lasts as long as the trace. */
  readonly start: number;
  readonly end: number;
  readonly isComplete: boolean;
  readonly thread: string;
  /** The innermost open region, '' for none. */
  readonly region: string;
  /** Number of the task that was running, 0 for none. */
  readonly task: number;
  /** As the recorder has named it, with its stack: what it was in from its begin until the first sighting. */
  readonly first: Seen;
  /** What else was seen, in order of time: each holds until the next one. */
  readonly sightings: readonly Sighting[];
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
  const { kind, args, track, start, value } = index.trace.columns;
  const blocks: Block[] = [];
  /** By track, what was seen in blocks. */
  const sightings = new Map<number, number[]>();
  for (const row of index.rowsOf(Category.loop)) {
    if (args[row] === 0) continue;
    if (kind[row] === EventKind.instant) {
      const rows = sightings.get(track[row]!);
      if (rows === undefined) sightings.set(track[row]!, [row]);
      else rows.push(row);
    }
    if (kind[row] !== EventKind.slice) continue;
    const facts = index.argsOf(row);
    if (facts[Argument.blocked] !== true) continue;
    const first = {
      name: index.nameOf(row),
      location: textOf(facts[Argument.location]),
      stack: stackOf(facts),
    };
    blocks.push({
      row,
      ...first,
      start: start[row]!,
      end: index.endOf(row),
      isComplete: value[row]! >= 0,
      thread: index.threadOf(track[row]!)?.name ?? index.trace.tracks[track[row]!]!.name,
      region: textOf(facts.region),
      task: index.taskOf(row),
      first,
      sightings: [],
    });
  }
  const places = new Map(
    [...sightings].map(([of, rows]) => [of, { rows: rows.sort((a, b) => start[a]! - start[b]!), next: 0 }]),
  );
  const seen = new Map<Block, readonly Sighting[]>();
  for (const block of [...blocks].sort((a, b) => a.start - b.start)) {
    const place = places.get(track[block.row]!);
    if (place === undefined) continue;
    const { rows } = place;
    while (place.next < rows.length && start[rows[place.next]!]! <= block.start) place.next++;
    const from = place.next;
    while (place.next < rows.length && start[rows[place.next]!]! < block.end) place.next++;
    if (place.next > from)
      seen.set(
        block,
        rows.slice(from, place.next).map((row) => sightingOf(index, row)),
      );
  }
  return blocks.map((block) => namedByMost(block, seen.get(block) ?? []));
}

function sightingOf(index: TraceIndex, row: number): Sighting {
  const { start, args } = index.trace.columns;
  const name = index.nameOf(row);
  const stack = stackOf(index.argsOf(row));
  const own = stack.map(parseFrame).find((frame) => frame.line > 0 && frameText(frame) === functionOf(name));
  const location = own === undefined ? '' : `${own.file}:${own.line}`;
  return { time: start[row]!, name, location, stack, args: args[row]! };
}

/** The block, named after the function that it was seen in for the most time. */
function namedByMost(block: Block, sightings: readonly Sighting[]): Block {
  if (sightings.length === 0) return block;
  const times = new Map<string, number>();
  const add = (seen: Seen, nanos: number): void => {
    const key = functionIn(seen);
    times.set(key, (times.get(key) ?? 0) + nanos);
  };
  add(block.first, sightings[0]!.time - block.start);
  for (const [at, seen] of sightings.entries()) {
    add(seen, (sightings[at + 1]?.time ?? block.end) - seen.time);
  }
  const most = Math.max(...times.values());
  const { name, location, stack } = [block.first, ...sightings].find(
    (seen) => times.get(functionIn(seen)) === most,
  )!;
  return { ...block, name, location, stack, sightings };
}

/** A function of the program, whatever line of it is meant, and whatever it had called. */
function functionIn({ name, location }: Seen): string {
  return [functionOf(name), location].map((text) => text.replace(/:\d+$/, '')).join('\n');
}

function stackOf(facts: Readonly<Record<string, unknown>>): readonly string[] {
  const stack = facts[Argument.stack];
  return Array.isArray(stack) ? stack.map(textOf) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
