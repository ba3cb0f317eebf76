/**
 * A CPU profile of V8's as slices: on a track below its thread, nested as the functions were, outermost first, exactly as ttrace records
 * samples itself. A slice lasts from the first sample that finds its function at its place to the first that does not.
 *
 * Specification: `Profiler.Profile` of the Chrome DevTools Protocol.
 */
import type { TraceBuilder } from './trace-builder.ts';
import { Argument, Category, sampleTrackName } from './vocabulary.ts';

/** A function as V8 knows it; lines count from 0. */
export interface V8CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** The tree of what was called, and what of it was running when. */
export interface V8Profile {
  /** By node. */
  readonly frames: ReadonlyMap<number, V8CallFrame>;
  readonly parents: ReadonlyMap<number, number>;
  /** Node of each sample. */
  readonly samples: readonly number[];
  /** Nanoseconds since the trace's origin, one a sample; need not be in order. */
  readonly times: readonly number[];
  /** Until when the last sample counts. */
  readonly end: number;
}

/** Number of samples by what they found. */
export interface SampleCounts {
  readonly samples: number;
  readonly idle: number;
  readonly program: number;
  readonly collecting: number;
}

const IDLE = '(idle)';
const PROGRAM = '(program)';
const COLLECTING = '(garbage collector)';
/** What V8 says when no JavaScript was running. */
const NOTHING: ReadonlySet<string> = new Set(['(root)', PROGRAM, IDLE]);

/** A function as it stands in a trace: string ids of its name and arguments. */
interface Frame {
  readonly name: number;
  readonly args: number;
}

/** Adds the samples of one thread to a trace. Samples of unknown nodes are counted as skipped. */
export function addV8Profile(
  builder: TraceBuilder,
  pid: number,
  tid: number,
  profile: V8Profile,
): SampleCounts {
  const track = builder.asyncTrack(
    pid,
    Category.sample,
    `0x${tid.toString(16)}`,
    sampleTrackName(builder.tracks[builder.threadTrack(pid, tid)]!.name),
  );
  const category = builder.strings.intern(Category.sample);
  const paths = new Paths(builder, profile);
  const { samples, times, frames, end } = profile;
  const order = inOrder(times);
  const counts = { samples: 0, idle: 0, program: 0, collecting: 0 };
  let open: readonly Frame[] = [];
  const change = (stack: readonly Frame[], time: number): void => {
    let common = 0;
    while (common < stack.length && stack[common] === open[common]) common++;
    for (let level = open.length; level > common; level--) builder.end(track, time, 0);
    for (const { name, args } of stack.slice(common)) builder.begin(track, name, category, time, args);
    open = stack;
  };
  for (let i = 0; i < samples.length; i++) {
    const at = order?.[i] ?? i;
    const next = i + 1 < samples.length ? times[order?.[i + 1] ?? i + 1]! : end;
    const name = frames.get(samples[at]!)?.functionName;
    if (name === undefined) builder.skip('sample of an unknown function');
    else {
      counts.samples++;
      if (name === IDLE) counts.idle++;
      else if (name === PROGRAM) counts.program++;
      else if (name === COLLECTING) counts.collecting++;
    }
    // Of two samples at one moment the later one says what went on.
    if (next <= times[at]!) continue;
    // V8 does not say what was running when a collection began: what the sample before had found.
    change(name === COLLECTING ? paths.withCollector(open) : paths.of(samples[at]!), times[at]!);
  }
  change([], Math.max(end, times[order?.at(-1) ?? times.length - 1] ?? end));
  return counts;
}

/** Indices by time; undefined when they are in order already. V8 tells samples of two clocks apart badly: times may go back. */
function inOrder(times: readonly number[]): Uint32Array | undefined {
  if (times.every((time, i) => i === 0 || time >= times[i - 1]!)) return undefined;
  return Uint32Array.from(times.keys()).sort((a, b) => times[a]! - times[b]! || a - b);
}

/** Which functions lead to each node. */
class Paths {
  readonly #builder: TraceBuilder;
  readonly #profile: V8Profile;
  readonly #frames = new Map<string, Frame>();
  readonly #paths = new Map<number, readonly Frame[]>();
  readonly #collector: Frame;

  constructor(builder: TraceBuilder, profile: V8Profile) {
    this.#builder = builder;
    this.#profile = profile;
    this.#collector = { name: builder.strings.intern(COLLECTING), args: 0 };
  }

  withCollector(stack: readonly Frame[]): readonly Frame[] {
    return stack.at(-1) === this.#collector ? stack : [...stack, this.#collector];
  }

  /** Outermost first. */
  of(node: number): readonly Frame[] {
    const known = this.#paths.get(node);
    if (known !== undefined) return known;
    const nodes = [];
    const seen = new Set<number>();
    // A circle of parents ends where it closes.
    for (let at: number | undefined = node; at !== undefined && !seen.has(at); ) {
      seen.add(at);
      nodes.push(at);
      at = this.#profile.parents.get(at);
    }
    const path = nodes
      .reverse()
      .map((at) => this.#frame(at))
      .filter((frame) => frame !== undefined);
    this.#paths.set(node, path);
    return path;
  }

  #frame(node: number): Frame | undefined {
    const frame = this.#profile.frames.get(node);
    if (frame === undefined || NOTHING.has(frame.functionName)) return undefined;
    const name = frame.functionName === '' ? '(anonymous)' : frame.functionName;
    const location = locationOf(frame);
    const key = `${name}\n${location}`;
    let known = this.#frames.get(key);
    if (known === undefined) {
      const { strings } = this.#builder;
      const args = location === '' ? 0 : strings.intern(JSON.stringify({ [Argument.location]: location }));
      known = { name: strings.intern(name), args };
      this.#frames.set(key, known);
    }
    return known;
  }
}

/** `file:line`; '' where there is no source. */
function locationOf({ url, lineNumber }: V8CallFrame): string {
  if (url === '') return '';
  const path = pathOf(url);
  return lineNumber < 0 ? path : `${path}:${lineNumber + 1}`;
}

/** Path of a `file:` URL; anything else as it is. */
function pathOf(url: string): string {
  if (!url.startsWith('file://')) return url;
  try {
    const path = decodeURIComponent(new URL(url).pathname);
    return /^\/[A-Za-z]:/.test(path) ? path.slice(1) : path;
  } catch {
    return url;
  }
}
