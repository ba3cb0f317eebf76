/**
 * The CPU samples of one thread as a track below it: nested slices, outermost function first. A slice lasts from the first sample that
 * finds its function at its place to the first that does not. Where region or task change, all slices end and begin again, so that
 * the outermost one of each sample's stack says in which it was taken.
 *
 * Times are nanoseconds since the recording's origin.
 */
import { Category, sampleTrackName } from '@ttrace/format/vocabulary';
import type { StringRef, TraceWriter, TrackRef } from '@ttrace/format/writers';
import { isOwnFile } from '../own-files.ts';
import { filePath, sourcePosition } from '../source-position.ts';

/** A profile of V8's: nodes form a tree, samples name the node that was running. */
export interface CompactProfile {
  readonly nodes: readonly ProfiledNode[];
  /** Microseconds of `process.hrtime`. */
  readonly startTime: number;
  readonly samples: readonly number[];
  /** Microseconds since the sample before, the first since `startTime`. */
  readonly timeDeltas: readonly number[];
}

/** Line and column from 0. */
export type ProfiledNode = readonly [
  id: number,
  functionName: string,
  url: string,
  line: number,
  column: number,
  children: readonly number[],
];

/** In which region and task a sample was taken; '' and 0 for none. */
export interface SampleContext {
  readonly region: string;
  readonly task: number;
}

/** A function, as it is written. */
interface Frame {
  readonly name: StringRef;
  /** `file:line`, '' when it is not known. */
  readonly location: string;
}

/** Deeper functions are left out, but for the innermost. */
const MAX_DEPTH = 128;
/** Functions that are described once. */
const MAX_FRAMES = 20_000;
const GARBAGE_COLLECTOR = '(garbage collector)';
/** What V8 says when no JavaScript was running. */
const NOTHING: ReadonlySet<string> = new Set(['(root)', '(program)', '(idle)']);

export class SampleTrack {
  readonly #writer: TraceWriter;
  readonly #declare: () => TrackRef;
  readonly #origin: number;
  readonly #frames = new Map<string, Frame>();
  readonly #category: StringRef;
  #track: TrackRef | undefined;
  /** What is open on the track, outermost first. */
  #stack: readonly Frame[] = [];
  #context: SampleContext = { region: '', task: 0 };
  #last = -Infinity;

  /** @param origin microseconds of `process.hrtime` that are time 0. */
  constructor(writer: TraceWriter, pid: number, tid: number, threadName: string, origin: number) {
    this.#writer = writer;
    this.#origin = origin;
    this.#category = writer.string(Category.sample);
    this.#declare = () =>
      writer.asyncTrack(pid, Category.sample, `0x${tid.toString(16)}`, sampleTrackName(threadName));
  }

  /** Adds what comes after the last profile; profiles may overlap. @param contextAt for nanoseconds since the origin. */
  add(profile: CompactProfile, contextAt: (time: number) => SampleContext): void {
    const { samples, timeDeltas, startTime } = profile;
    const paths = new ProfilePaths(profile.nodes, (node) => this.#frame(node));
    let micros = startTime - this.#origin;
    for (const [i, id] of samples.entries()) {
      micros += timeDeltas[i] ?? 0;
      const time = Math.round(micros * 1000);
      if (time <= this.#last || time < 0) continue;
      this.#last = time;
      const stack = paths.isCollecting(id) ? this.#withCollector() : paths.of(id);
      this.#sample(time, stack, stack.length === 0 ? this.#context : contextAt(time));
    }
  }

  /** Nothing more comes. */
  close(): void {
    if (this.#track === undefined) return;
    this.#endFrom(0, this.#last);
    this.#writer.release(this.#track);
    this.#track = undefined;
  }

  #sample(time: number, stack: readonly Frame[], context: SampleContext): void {
    const isSame = context.region === this.#context.region && context.task === this.#context.task;
    let common = 0;
    if (isSame) while (common < stack.length && stack[common] === this.#stack[common]) common++;
    this.#endFrom(common, time);
    this.#context = context;
    for (let level = common; level < stack.length; level++) {
      this.#track ??= this.#declare();
      const { name, location } = stack[level]!;
      this.#writer.begin(
        this.#track,
        name,
        this.#category,
        time,
        context.task,
        argumentsText(location, level, context),
      );
    }
    this.#stack = stack;
  }

  #endFrom(level: number, time: number): void {
    for (let i = this.#stack.length; i > level; i--) this.#writer.end(this.#track!, time);
    this.#stack = this.#stack.slice(0, level);
  }

  /** V8 does not say what was running when a collection began: what the sample before had found. */
  #withCollector(): readonly Frame[] {
    const collector = this.#known(GARBAGE_COLLECTOR, '');
    return this.#stack.at(-1) === collector ? this.#stack : [...this.#stack, collector];
  }

  #frame([, functionName, url, line, column]: ProfiledNode): Frame | undefined {
    if (NOTHING.has(functionName) || isOwnFile(url)) return undefined;
    const name = functionName === '' ? '(anonymous)' : functionName;
    if (url === '') return this.#known(name, '');
    const path = filePath(url);
    const place = url.startsWith('node:') ? undefined : sourcePosition(path, line + 1, column + 1);
    return this.#known(name, place === undefined ? `${path}:${line + 1}` : `${place.file}:${place.line}`);
  }

  #known(name: string, location: string): Frame {
    const key = `${name}\n${location}`;
    let frame = this.#frames.get(key);
    if (frame === undefined) {
      if (this.#frames.size >= MAX_FRAMES) this.#frames.clear();
      frame = { name: this.#writer.string(name), location };
      this.#frames.set(key, frame);
    }
    return frame;
  }
}

/** Which functions lead to each node of one profile. */
class ProfilePaths {
  readonly #nodes: ReadonlyMap<number, ProfiledNode>;
  readonly #parents = new Map<number, number>();
  readonly #paths = new Map<number, readonly Frame[]>();
  readonly #frameOf: (node: ProfiledNode) => Frame | undefined;

  constructor(nodes: readonly ProfiledNode[], frameOf: (node: ProfiledNode) => Frame | undefined) {
    this.#nodes = new Map(nodes.map((node) => [node[0], node]));
    for (const [id, , , , , children] of nodes) for (const child of children) this.#parents.set(child, id);
    this.#frameOf = frameOf;
  }

  isCollecting(id: number): boolean {
    return this.#nodes.get(id)?.[1] === GARBAGE_COLLECTOR;
  }

  /** Outermost first. */
  of(id: number): readonly Frame[] {
    const known = this.#paths.get(id);
    if (known !== undefined) return known;
    const frames: Frame[] = [];
    for (let at: number | undefined = id; at !== undefined; at = this.#parents.get(at)) {
      const node = this.#nodes.get(at);
      const frame = node === undefined ? undefined : this.#frameOf(node);
      if (frame !== undefined) frames.push(frame);
    }
    frames.reverse();
    const path = frames.length <= MAX_DEPTH ? frames : [...frames.slice(0, MAX_DEPTH - 1), frames.at(-1)!];
    this.#paths.set(id, path);
    return path;
  }
}

function argumentsText(location: string, level: number, { region }: SampleContext): string {
  const where = location === '' ? '' : `"location":${JSON.stringify(location)}`;
  const own = level === 0 && region !== '' ? `"region":${JSON.stringify(region)}` : '';
  return where === '' && own === '' ? '' : `{${where}${where !== '' && own !== '' ? ',' : ''}${own}}`;
}
