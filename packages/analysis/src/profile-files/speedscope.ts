/**
 * A trace for speedscope (speedscope.app): for each thread an evented profile of its slices, and a sampled one of its CPU samples, all of
 * them from the trace's begin to its end, in whole nanoseconds. speedscope knows stacks over time and nothing else.
 *
 * Specification: `file-format-schema.json` of the npm package speedscope.
 */
import { Argument, EventKind } from '@ttrace/format';
import { PairTable } from '../pair-table.ts';
import { counted } from '../quantity.ts';
import { nestedLanes, stackChanges } from '../stack-changes.ts';
import { type Frame, frameAt } from '../stack-frame.ts';
import { stackSegments } from '../stack-segments.ts';
import type { Thread, TraceIndex } from '../trace-index.ts';
import { inPieces, jsonArray, type ProfileFile } from './profile-file.ts';

/** @param name what speedscope shows as the file. */
export function speedscopeFile(index: TraceIndex, name: string): ProfileFile {
  return { text: inPieces(fileText(index, name)), omitted: omitted(index) };
}

function* fileText(index: TraceIndex, name: string): Generator<string, void, undefined> {
  const frames = new SpeedscopeFrames(index);
  const head = {
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: 'ttrace',
    name,
    activeProfileIndex: 0,
  };
  // The frames are known only when all stacks have been seen: they stand at the end.
  yield `${JSON.stringify(head).slice(0, -1)},"profiles":[`;
  let separator = '';
  for (const profile of profilesText(index, frames)) {
    yield separator;
    yield* profile;
    separator = ',';
  }
  // A file without a profile is none to speedscope.
  if (separator === '') {
    yield* eventedText(index, 'nothing', [], frames);
  }
  yield `],"shared":{"frames":${JSON.stringify(frames.list)}}}\n`;
}

function* profilesText(
  index: TraceIndex,
  frames: SpeedscopeFrames,
): Generator<Iterable<string>, void, undefined> {
  for (const thread of index.threads) {
    const name = threadTitle(index, thread);
    for (const [number, rows] of nestedLanes(index, thread.track).entries()) {
      yield eventedText(index, number === 0 ? name : `${name} (overlapping ${number})`, rows, frames);
    }
    if (thread.sampleTrack < 0) continue;
    for (const [number, rows] of nestedLanes(index, thread.sampleTrack).entries()) {
      const title = `${name} samples`;
      yield sampledText(index, number === 0 ? title : `${title} (overlapping ${number})`, rows, frames);
    }
  }
}

function* eventedText(
  index: TraceIndex,
  name: string,
  rows: readonly number[],
  frames: SpeedscopeFrames,
): Generator<string, void, undefined> {
  yield `{"type":"evented",${headText(index, name)},"events":`;
  function* events(): Generator<string, void, undefined> {
    for (const { isOpening, row, at } of stackChanges(index, rows)) {
      yield `{"type":"${isOpening ? 'O' : 'C'}","frame":${frames.of(row)},"at":${at - index.start}}`;
    }
  }
  yield* jsonArray(events());
  yield '}';
}

function* sampledText(
  index: TraceIndex,
  name: string,
  rows: readonly number[],
  frames: SpeedscopeFrames,
): Generator<string, void, undefined> {
  const weights: number[] = [];
  yield `{"type":"sampled",${headText(index, name)},"samples":`;
  function* samples(): Generator<string, void, undefined> {
    for (const { start, end, stack } of stackSegments(index, rows, index.start, index.end)) {
      weights.push(end - start);
      yield `[${stack.map((row) => frames.of(row)).join(',')}]`;
    }
  }
  yield* jsonArray(samples());
  yield ',"weights":';
  yield* jsonArray(weights);
  yield '}';
}

function headText(index: TraceIndex, name: string): string {
  return `"name":${JSON.stringify(name)},"unit":"nanoseconds","startValue":0,"endValue":${index.end - index.start}`;
}

/** A thread, with its process where there are several. */
function threadTitle({ trace: { processes } }: TraceIndex, { pid, name }: Thread): string {
  if (processes.length < 2) return name;
  const process = processes.find((each) => each.pid === pid)?.name ?? '';
  return `${process === '' ? `pid ${pid}` : `${process} (${pid})`}: ${name}`;
}

interface SpeedscopeFrame {
  readonly name: string;
  readonly file?: string;
  readonly line?: number;
}

/** Each distinct name and place once. */
class SpeedscopeFrames {
  readonly list: SpeedscopeFrame[] = [];
  readonly #index: TraceIndex;
  readonly #pairs = new PairTable();
  /** By pair of a name and arguments. */
  readonly #known: number[] = [];
  readonly #ids = new Map<string, number>();

  constructor(index: TraceIndex) {
    this.#index = index;
  }

  /** Number of the frame that a slice is. */
  of(row: number): number {
    const { name, args } = this.#index.trace.columns;
    const pair = this.#pairs.idOf(name[row]!, args[row]!);
    this.#known[pair] ??= this.#idOf(this.#frame(row));
    return this.#known[pair];
  }

  #frame(row: number): Frame {
    const { [Argument.location]: location } = this.#index.argsOf(row);
    return frameAt(this.#index.nameOf(row), typeof location === 'string' ? location : '');
  }

  #idOf({ name, file, line }: Frame): number {
    const key = `${name}\n${file}\n${line}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      const place = { ...(file === '' ? {} : { file }), ...(line > 0 ? { line } : {}) };
      id = this.list.push({ name: name === '' ? '(unnamed)' : name, ...place }) - 1;
      this.#ids.set(key, id);
    }
    return id;
  }
}

/** What is on no thread, and what is no slice. */
function omitted(index: TraceIndex): string[] {
  const { columns, length } = index.trace;
  const isShown = index.trace.tracks.map((_, track) => {
    const thread = index.threadOf(track);
    return thread?.track === track || thread?.sampleTrack === track;
  });
  let slices = 0;
  let instants = 0;
  let counters = 0;
  for (let row = 0; row < length; row++) {
    const kind = columns.kind[row];
    if (kind === EventKind.slice) slices += Number(!isShown[columns.track[row]!]!);
    else if (kind === EventKind.instant) instants++;
    else if (kind === EventKind.counter) counters++;
  }
  return [
    ...(slices > 0 ? [counted(slices, 'asynchronous slice')] : []),
    ...(instants > 0 ? [counted(instants, 'instant')] : []),
    ...(counters > 0 ? [counted(counters, 'counter sample')] : []),
  ];
}
