/**
 * The runtime sources: what a recording shows of the runtime without a word from the program. Their names, which are on by
 * default, and how a choice is written, as an object or as text. What each does stands in its file in sources/.
 */
import { TraceUsageError } from './trace-usage-error.ts';

/** How long turns of the event loop must be to be recorded. */
export interface LoopOptions {
  /** Turns from this length on are recorded. Default 1 ms; from 0.1 to 10,000. */
  readonly turnMs?: number;
  /** Turns longer than this are blocks: they get the stack of what was running. Default 20 ms; from 5 to 60,000. */
  readonly blockMs?: number;
}

/** How CPU samples are taken. */
export interface SampleOptions {
  /** Time between two samples. Default 10 ms; from 0.1 to 1000. */
  readonly intervalMs?: number;
}

/** What is done with HTTP requests besides recording them. */
export interface HttpOptions {
  /**
   * Whether requests that are made tell the service which trace they belong to, by the header `traceparent`, unless they have one
   * already. Default false. Those of node:http and of undici, which `fetch` is; not those of HTTP/2.
   */
  readonly propagate?: boolean;
}

/** Which runtime sources to record. What is not named keeps its default. */
export interface SourceOptions {
  /** Turns of the event loop, blocks with their stacks, utilisation and delay. On by default. */
  readonly loop?: boolean | LoopOptions;
  /** Garbage collections. On by default. */
  readonly gc?: boolean;
  /** Memory as counters. On by default. */
  readonly memory?: boolean;
  /** Messages between threads. On by default. */
  readonly messages?: boolean;
  /** Waits on shared memory, Web Locks, and pools and locks of well-known packages. On by default. */
  readonly waits?: boolean;
  /** HTTP requests, served and made. On by default. */
  readonly http?: boolean | HttpOptions;
  /** Waits for the other end of connections, such as a database's. On by default. */
  readonly sockets?: boolean;
  /** Lives of workers. On by default. */
  readonly workers?: boolean;
  /** Lives of child processes. On by default. */
  readonly processes?: boolean;
  /** Errors that nothing catches. On by default. */
  readonly errors?: boolean;
  /** Tests of `node --test` and vitest as tasks; nothing in other programs. On by default. */
  readonly tests?: boolean;
  /** What V8's CPU profiler finds running on each thread. Off by default. */
  readonly samples?: boolean | SampleOptions;
  /** What is printed by `console`, as logs. Off by default. */
  readonly console?: boolean;
  /** `performance.mark` and `measure`. Off by default. */
  readonly timing?: boolean;
  /** Operations of the thread pool: fs, crypto, zlib, dns.lookup. Off by default. */
  readonly pool?: boolean;
}

export type SourceName = keyof SourceOptions;

/** A choice of sources as it stands in shared memory. */
export interface SourceChoice {
  /** Bit n is the n-th of `SOURCE_NAMES`. */
  readonly mask: number;
  readonly turnMicros: number;
  readonly blockMicros: number;
  readonly sampleMicros: number;
}

/** In the order of their bits; those that are on by default first. */
export const SOURCE_NAMES: readonly SourceName[] = [
  'loop',
  'gc',
  'memory',
  'messages',
  'waits',
  'http',
  'sockets',
  'workers',
  'processes',
  'errors',
  'tests',
  'samples',
  'console',
  'timing',
  'pool',
];

/** Bit of the mask, above those of the sources: requests made carry a `traceparent`. */
export const PROPAGATE: number = 1 << 24;

/** The sources that may be given as an object. */
const WITH_OPTIONS: ReadonlySet<string> = new Set<SourceName>(['loop', 'samples', 'http']);

/** What they cost together: bench/sources.mjs. */
const DEFAULT_NAMES: readonly SourceName[] = SOURCE_NAMES.slice(0, SOURCE_NAMES.indexOf('samples'));

const TURN_MS = 1;
const BLOCK_MS = 20;
const SAMPLE_MS = 10;

/** Whether a choice has a source. */
export function hasSource(mask: number, name: SourceName): boolean {
  return (mask & bit(name)) !== 0;
}

/**
 * Checks the option `sources`.
 * @param value true: the default ones; false: none; undefined: what the environment variable TTRACE_SOURCES says.
 * @throws TraceUsageError `bad-option`
 */
export function chooseSources(value: unknown): SourceChoice {
  let mask = maskOf(DEFAULT_NAMES);
  const options =
    value === undefined
      ? parseSources(process.env.TTRACE_SOURCES ?? '')
      : value === true
        ? {}
        : value === false
          ? noSources()
          : value;
  if (typeof options !== 'object' || options === null) {
    throw bad(`sources must be true, false or an object such as { gc: false }, got ${typeof value}`);
  }
  for (const [name, wish] of Object.entries(options)) {
    if (!isSourceName(name)) throw bad(`there is no source ${name}; there are ${SOURCE_NAMES.join(', ')}`);
    if (wish === undefined) continue;
    const isObject = typeof wish === 'object' && wish !== null;
    if (typeof wish !== 'boolean' && !(isObject && WITH_OPTIONS.has(name))) {
      throw bad(`sources.${name} must be true or false, got ${String(wish)}`);
    }
    mask = wish === false ? mask & ~bit(name) : mask | bit(name);
  }
  const { loop, samples, http } = options as SourceOptions;
  const { propagate = false } = typeof http === 'object' ? http : ({} as HttpOptions);
  if (typeof propagate !== 'boolean') {
    throw bad(`sources.http.propagate must be true or false, got ${String(propagate)}`);
  }
  if (propagate) mask |= PROPAGATE;
  const { intervalMs } = typeof samples === 'object' ? samples : ({} as SampleOptions);
  const { turnMs, blockMs } = typeof loop === 'object' ? loop : ({} as LoopOptions);
  return {
    mask,
    turnMicros: micros('loop.turnMs', turnMs ?? TURN_MS, 0.1, 10_000),
    blockMicros: micros('loop.blockMs', blockMs ?? BLOCK_MS, 5, 60_000),
    sampleMicros: micros('samples.intervalMs', intervalMs ?? SAMPLE_MS, 0.1, 1000),
  };
}

/**
 * A choice written as text, for command lines and environment variables: names with commas between them, added to the default
 * ones; `no-NAME` takes one away, `none` all before it. `none,gc` is the garbage collections alone, `samples:1ms` CPU samples a
 * millisecond apart, `http:propagate` requests that carry their trace.
 * @throws TraceUsageError `bad-option`
 */
export function parseSources(text: string): SourceOptions {
  let options: { -readonly [Name in SourceName]?: SourceOptions[Name] } = {};
  for (const word of text.split(',').map((part) => part.trim())) {
    const name = word.startsWith('no-') ? word.slice(3) : word;
    const interval = /^samples:(\d+(?:\.\d+)?)ms$/.exec(word);
    if (interval !== null) {
      options.samples = { intervalMs: Number(interval[1]) };
      continue;
    }
    if (word === 'http:propagate') {
      options.http = { propagate: true };
      continue;
    }
    if (word === '' || word === 'default') continue;
    if (word === 'none') options = noSources();
    else if (isSourceName(name)) options[name] = name === word;
    else {
      throw bad(
        `there is no source ${word}; there are ${SOURCE_NAMES.join(', ')}, each also with no- before it, samples:1ms, http:propagate, and none`,
      );
    }
  }
  return options;
}

function noSources(): Partial<Record<SourceName, boolean>> {
  return Object.fromEntries(SOURCE_NAMES.map((name) => [name, false]));
}

function isSourceName(name: string): name is SourceName {
  return (SOURCE_NAMES as readonly string[]).includes(name);
}

function maskOf(names: readonly SourceName[]): number {
  return names.reduce((mask, name) => mask | bit(name), 0);
}

function bit(name: SourceName): number {
  return 1 << SOURCE_NAMES.indexOf(name);
}

function micros(name: string, millis: unknown, least: number, most: number): number {
  if (typeof millis !== 'number' || !(millis >= least && millis <= most)) {
    throw bad(`sources.${name} must be from ${least} to ${most}, got ${String(millis)}`);
  }
  return Math.round(millis * 1000);
}

function bad(message: string): TraceUsageError {
  return new TraceUsageError('bad-option', message);
}
