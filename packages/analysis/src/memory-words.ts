/**
 * Words of shared memory that threads wait for by `Atomics.wait`: each is a lock of its own, told apart by its index and by the place in the
 * program that waits. The recorder looks at the stack of every wait of a millisecond and more, and of some of the shorter ones; those without
 * one have the place of the others on their word, where that has but one. What traces do not say, such as whether two memories of one
 * size are the same, is not told apart.
 */
import { Argument, Category, EventKind } from '@ttrace/format';
import { sortedNumbers } from './duration-columns.ts';
import { longestFirst, type NameStats, statsByName, statsOf } from './name-stats.ts';
import { type Frame, frameText, parseFrame } from './stack-frame.ts';
import { parsedArgs, type TraceIndex } from './trace-index.ts';

const WAITS: ReadonlySet<string> = new Set(['Atomics.wait', 'Atomics.waitAsync']);
const NOTIFY = 'Atomics.notify';

/** Whether waits of this name are for words. */
export function isWordWait(name: string): boolean {
  return WAITS.has(name);
}

/** A word as one event has it. */
export interface Word {
  /** Equal for all that is known to be the same word, in a process. */
  readonly key: string;
  /** As the program counts. */
  readonly index: number;
}

/** What a wait is for: its name, for a word with its index and place: `Atomics.wait [0] acquire lock.js:12`. */
export function waitedFor(index: TraceIndex, row: number): string {
  const word = wordOf(index, row);
  const name = index.nameOf(row);
  if (word === undefined || name === NOTIFY) return name;
  const place = waitFrame(index, row);
  return `${name} [${word.index}]${place === undefined ? '' : ` ${frameText(place)}`}`;
}

/** Whether a wait is what a name stands for: all of that name, all on such a word, or all at one place. */
export function isWaitFor(index: TraceIndex, row: number, name: string): boolean {
  const own = index.nameOf(row);
  if (!WAITS.has(own) || !name.startsWith(own)) return false;
  const whole = waitedFor(index, row);
  return name === own || name === whole || whole.startsWith(`${name} `);
}

/** The word that a row waits for, or notifies; undefined for other rows. */
export function wordOf(index: TraceIndex, row: number): Word | undefined {
  const { name, args, track } = index.trace.columns;
  const names = index.once(nameIds);
  if (!names.has(name[row]!) || args[row] === 0) return undefined;
  const { index: at, byte, of } = factsOf(index, row);
  if (typeof at !== 'number') return undefined;
  const { pid } = index.trace.tracks[track[row]!]!;
  return { key: typeof byte === 'number' ? `${pid} ${byte}/${of}` : `${pid} [${at}]`, index: at };
}

/** The program's innermost function in which a wait for a word was; undefined where nobody looked. */
export function waitFrame(index: TraceIndex, row: number): Frame | undefined {
  const own = ownFrame(index, row);
  const word = own === undefined ? wordOf(index, row) : undefined;
  return word === undefined ? own : index.once(onlyPlaces).get(`${word.key} ${index.nameOf(row)}`);
}

/** Frames of a wait that the recorder looked at, innermost first; else the one that is known, if there is one. */
export function waitFrames(index: TraceIndex, row: number): readonly Frame[] {
  if (index.trace.columns.args[row] === 0) return [];
  const { frames } = factsOf(index, row);
  if (frames.length > 0) return frames;
  const place = waitFrame(index, row);
  return place === undefined ? [] : [place];
}

function ownFrame(index: TraceIndex, row: number): Frame | undefined {
  return factsOf(index, row).frames.find(({ file, line }) => line > 0 && !file.startsWith('node:'));
}

interface Facts {
  readonly index: unknown;
  readonly byte: unknown;
  readonly of: unknown;
  readonly result: unknown;
  readonly woken: unknown;
  readonly frames: readonly Frame[];
}

/** How a wait for a word ended, and how many a notify woke. */
export function outcomeOf(index: TraceIndex, row: number): Pick<Facts, 'result' | 'woken'> {
  return factsOf(index, row);
}

/** Facts by the number that the arguments have, which is kept by their string id + 1; 0 is not known yet. */
interface KnownFacts {
  readonly numbers: Uint32Array;
  readonly facts: Facts[];
  readonly byText: Map<string, number>;
}

/** What each task has of its own, in arguments that are the same otherwise. */
const TASK = /^\{"task": *\d+, */;

function factsOf(index: TraceIndex, row: number): Facts {
  const { numbers, facts, byText } = index.once(noFacts);
  const id = index.trace.columns.args[row]!;
  if (numbers[id] === 0) {
    const text = index.trace.strings.text(id).replace(TASK, '{');
    const known = byText.get(text) ?? facts.push(factsIn(text));
    byText.set(text, known);
    numbers[id] = known;
  }
  return facts[numbers[id]! - 1]!;
}

function factsIn(text: string): Facts {
  const { index, byte, of, result, woken, [Argument.stack]: stack } = parsedArgs(text);
  const lines = Array.isArray(stack) ? stack.filter((each) => typeof each === 'string') : [];
  return { index, byte, of, result, woken, frames: lines.map(parseFrame) };
}

function noFacts({ trace }: TraceIndex): KnownFacts {
  return { numbers: new Uint32Array(trace.strings.size), facts: [], byText: new Map() };
}

/** String ids of the names that events on words have. */
function nameIds({ trace }: TraceIndex): ReadonlySet<number> {
  return new Set([...WAITS, NOTIFY].map((name) => trace.strings.find(name)).filter((id) => id >= 0));
}

/** Places of the words that are waited for in one place only, by word and kind of wait. */
function onlyPlaces(index: TraceIndex): ReadonlyMap<string, Frame> {
  const places = new Map<string, Frame | undefined>();
  for (const row of index.rowsOf(Category.wait)) {
    const word = wordOf(index, row);
    const place = word === undefined ? undefined : ownFrame(index, row);
    if (word === undefined || place === undefined) continue;
    const key = `${word.key} ${index.nameOf(row)}`;
    const known = places.get(key);
    const isOther = places.has(key) && (known === undefined || frameText(known) !== frameText(place));
    places.set(key, isOther ? undefined : place);
  }
  return new Map([...places].filter((each): each is [string, Frame] => each[1] !== undefined));
}

/** Waits by name, those for words by word: what `statsByName` says, with the words told apart. */
export function waitStats(index: TraceIndex): NameStats[] {
  const { kind, start, value } = index.trace.columns;
  const stats = statsByName(index.trace, Category.wait);
  if (!stats.some(({ name }) => isWordWait(name))) return stats;
  const words = new Map<string, number[]>();
  for (const row of index.rowsOf(Category.wait)) {
    if (kind[row] !== EventKind.slice || !isWordWait(index.nameOf(row))) continue;
    const name = waitedFor(index, row);
    const rows = words.get(name);
    if (rows === undefined) words.set(name, [row]);
    else rows.push(row);
  }
  const ofWords = [...words].map(([name, rows]) => {
    const finished = rows.filter((row) => value[row]! >= 0);
    const durations = sortedNumbers(finished, (row) => index.endOf(row) - start[row]!);
    return statsOf(name, durations, rows.length - finished.length);
  });
  return [...stats.filter(({ name }) => !isWordWait(name)), ...ofWords].sort(longestFirst);
}
