/**
 * What blocked event loops: turns that the recorder called blocks, one by one and grouped by the function that was running, with where it
 * is. A block without a stack, and one whose thread was in no function of the program, is grouped under what is known of it.
 *
 * The recorder names a long block while it lasts; here it is named by all that was seen of it, to its end.
 */
import { Argument, Category, EventKind, type Trace } from '@ttrace/format';
import { type Filter, rowFilter } from './filter.ts';
import { type Frame, frameText, isOfNodeItself, parseFrame } from './stack-frame.ts';
import { indexOf, type TraceIndex } from './trace-index.ts';

/** What was seen in a block. */
interface Seen {
  /** What was running, such as `hash auth.js:12 → pbkdf2Sync`; `blocked` when that is not known. */
  readonly name: string;
  /** `file:line` of the function; '' when not known. */
  readonly location: string;
  /** Frames of the first stack that was seen of this function, innermost first: `function (file:line:column)`. */
  readonly stack: readonly string[];
  /** Promise jobs that are known to have run before, one after another; in a block the most that any look knows. */
  readonly jobs: number;
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
  /** What it was in from its begin until the first sighting: as the recorder has named it, with its stack, if there is any. */
  readonly first: Seen;
  /** What else was seen, in order of time: each holds until the next one. Looks between two promise jobs, which tell nothing, are not here. */
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

/** As a filter's name: all blocks in which only functions of Node.js itself were seen. */
export const NODE_ITSELF = '(Node.js itself)';

/** Whether no function of the program, nor of a package, was on the stacks that were seen. */
export function isOfNode({ name, location, stack }: Block): boolean {
  return name !== 'blocked' && location === '' && stack.length > 0;
}

/** All blocks that a filter lets through, in file order. Its name is a block's, or the function's that blocked, whatever it had called. */
export function blocksOf(index: TraceIndex, filter: Filter = {}): readonly Block[] {
  const { name: wanted, ...rest } = filter;
  const isWanted = rowFilter(index, rest);
  return index
    .once(findBlocks)
    .filter((block) => (wanted === undefined || isCalled(block, wanted)) && isWanted(block.row));
}

function isCalled(block: Block, wanted: string): boolean {
  if (wanted === NODE_ITSELF) return isOfNode(block);
  return [block.name, functionOf(block.name), plainFunction(block.name)].includes(wanted);
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

const ANONYMOUS = '(anonymous)';

/** `hash auth.js` of `hash auth.js:12`: which line of it was running varies as well. One without a name has its line alone. */
export function plainFunction(name: string): string {
  const of = functionOf(name);
  return of.startsWith(ANONYMOUS) ? of : of.replace(/:\d+$/, '');
}

/** Groups blocks by function and file, the longest total first. Line, and what it had called, are named where they were always the same. */
export function groupedBlocks(blocks: readonly Block[]): BlockGroup[] {
  const groups = new Map<string, Block[]>();
  for (const block of blocks) {
    const key = functionIn(block);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [block]);
    else group.push(block);
  }
  return [...groups.values()]
    .map((group) => ({ name: commonName(group), location: longestOf(group).location, blocks: group }))
    .sort((a, b) => totalOf(b.blocks) - totalOf(a.blocks) || (a.name < b.name ? -1 : 1));
}

function commonName(blocks: readonly Block[]): string {
  const [{ name } = { name: '' }] = blocks;
  const common = [name, functionOf(name)].find((text) =>
    blocks.every((block) => block.name === text || functionOf(block.name) === text),
  );
  return common ?? plainFunction(name);
}

/** What of the blocks that a filter lets through leaves those of a group. Where other files have functions of its name, they have its file in their text. */
export function filterForGroup(
  index: TraceIndex,
  { name, location, blocks }: BlockGroup,
  within: Filter = {},
): Filter {
  const isAlone = blocksOf(index, { ...within, name }).length === blocks.length;
  return isAlone ? { name } : { name, text: location.replace(/:\d+$/, '') };
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
      jobs: jobsOf(facts),
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
  const facts = index.argsOf(row);
  const stack = stackOf(facts);
  const own = stack.map(parseFrame).find((frame) => frame.line > 0 && frameText(frame) === functionOf(name));
  const location = own === undefined ? '' : `${own.file}:${own.line}`;
  return { time: start[row]!, name, location, stack, jobs: jobsOf(facts), args: args[row]! };
}

/** So much of a block a function must be on the stack for, to be what blocked. */
const MOST = 0.9;

/**
 * The block, named after the innermost function of the program that was on the stack for most of it: of two that took turns the one that
 * called both. After what it was in for the most time where there is none.
 */
function namedByMost(found: Block, all: readonly Sighting[]): Block {
  if (all.length === 0) return found;
  const jobs = Math.max(found.jobs, ...all.map((seen) => seen.jobs));
  const telling = all.filter(({ stack }) => !isBetweenJobs(stack));
  if (telling.length === 0) return { ...found, jobs };
  const isFirstTelling = !isBetweenJobs(found.first.stack);
  const block = { ...found, jobs, first: isFirstTelling ? found.first : telling[0]! };
  const sightings = isFirstTelling ? telling : telling.slice(1);
  const looks = [{ ...block.first, time: block.start }, ...sightings].map((seen, at) => {
    const frames = seen.stack.map(parseFrame).filter(isOfProgram);
    return { seen, frames, nanos: (sightings[at]?.time ?? block.end) - seen.time };
  });
  const within = new Map<string, number>();
  const inside = new Map<string, number>();
  const add = (times: Map<string, number>, key: string, nanos: number): void =>
    void times.set(key, (times.get(key) ?? 0) + nanos);
  for (const { seen, frames, nanos } of looks) {
    add(inside, functionIn(seen), nanos);
    for (const key of new Set(frames.map(frameKey))) add(within, key, nanos);
  }
  const enough = MOST * (block.end - block.start);
  const longest = looks.reduce((a, b) => (b.nanos > a.nanos ? b : a));
  const culprit = longest.frames.find((frame) => within.get(frameKey(frame))! >= enough);
  const most = Math.max(...inside.values());
  // One in which it is the innermost knows what it had called.
  const shown =
    (culprit === undefined
      ? looks.find(({ seen }) => inside.get(functionIn(seen)) === most)
      : looks.find(({ frames: [frame] }) => frame !== undefined && frameKey(frame) === frameKey(culprit))) ??
    longest;
  const { name, location, stack } = shown.seen;
  const isCalled = culprit !== undefined && !sameFunction(shown.frames[0], culprit);
  return {
    ...block,
    name: isCalled ? frameText(culprit) : name,
    location: isCalled ? `${culprit.file}:${culprit.line}` : location,
    stack,
    sightings,
  };
}

/** Whether somebody of the program's own has written it: neither Node.js nor a package. */
function isOfProgram(frame: Frame): boolean {
  return !isOfNodeItself(frame) && !/[\\/]node_modules[\\/]/.test(frame.file);
}

/** Functions without a name are told apart by their lines. */
function frameKey({ name, file, line }: Frame): string {
  return name === ANONYMOUS ? `${name} ${file}:${line}` : `${name} ${file}`;
}

function sameFunction(one: Frame | undefined, other: Frame): boolean {
  return one !== undefined && frameKey(one) === frameKey(other);
}

/** A function of the program, whatever line of it is meant, and whatever it had called. */
function functionIn({ name, location }: Seen): string {
  const plain = plainFunction(name);
  return plain.startsWith(ANONYMOUS) ? `${plain}\n${location}` : `${plain}\n${location.replace(/:\d+$/, '')}`;
}

/** What of Node.js runs promise jobs: on top of a stack, and with none, they are between two of them. */
const RUNS_JOBS = /^(process\.)?(runNextTicks|processTicksAndRejections|runMicrotasks) /;

function isBetweenJobs([innermost]: readonly string[]): boolean {
  return innermost === undefined || RUNS_JOBS.test(innermost);
}

function jobsOf(facts: Readonly<Record<string, unknown>>): number {
  const jobs = facts[Argument.jobs];
  return typeof jobs === 'number' ? jobs : 0;
}

function stackOf(facts: Readonly<Record<string, unknown>>): readonly string[] {
  const stack = facts[Argument.stack];
  return Array.isArray(stack) ? stack.map(textOf) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
