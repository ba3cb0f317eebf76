/**
 * The flight recorder: keeps the last seconds of what happens in memory, and writes them into a file when something goes wrong.
 * After Go's `runtime/trace.FlightRecorder`, with its defaults and errors; beyond it, triggers that write by themselves. Runs
 * beside a started trace or alone. The window lies in the collector's thread: nothing is added to the program's.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Since, WindowOptions } from '../collector-protocol.ts';
import { type RecordOptions, sessionOptions } from '../recording.ts';
import {
  ask,
  checkCanRecord,
  isEnding,
  join as joinSession,
  leave,
  type SessionOptions,
  settled,
  shownSources,
  tell,
  whenFlightFile,
} from '../session.ts';
import { hasSource, type SourceChoice, type SourceName } from '../source-options.ts';
import { traceOutput } from '../trace-output.ts';
import { TraceUsageError } from '../trace-usage-error.ts';
import type { FlightFileResult } from './files.ts';
import { chooseTriggers, type FlightTrigger, triggerText } from './triggers.ts';

/** What to keep, and when to write it by itself. */
export interface FlightRecorderOptions extends RecordOptions {
  /** Least age of what is kept, in milliseconds: younger events stay unless `maxBytes` is used up. Default 10,000. */
  readonly minAgeMs?: number;
  /** Most bytes that the window takes; wins over `minAgeMs`. Default 10 MiB. From 64 KiB to 1 GiB. A file may be larger. */
  readonly maxBytes?: number;
  /** What makes it write a file by itself, as text (`'block>200ms,task>1s'`), as objects, or as a list of both. */
  readonly triggers?: string | FlightTrigger | readonly (string | FlightTrigger)[];
  /** Where triggers write; made if there is none. Default: the working directory. */
  readonly directory?: string;
  /** Format of the files that triggers write. Default `.json.gz`. */
  readonly format?: FlightFormat;
  /** Most files of triggers in the directory; the oldest are deleted. Default 10. */
  readonly maxFiles?: number;
  /** Least time between two files of slow moments, and of errors; what is twice as bad is not held back. Default 60,000. */
  readonly throttleMs?: number;
  /** Is told of every file that a trigger has written, once the event loop runs again. */
  readonly onFile?: (file: FlightFile) => void;
}

/** Formats, by the extension of their files. */
export type FlightFormat = '.json' | '.json.gz' | '.pftrace' | '.pftrace.gz';

/** What has been written. */
export interface FlightFile {
  /** Absolute path; undefined when it went into a stream. */
  readonly file: string | undefined;
  readonly bytes: number;
  readonly events: number;
  /** What made the flight recorder write, as text, such as `block>200ms`; undefined for `writeTo`. */
  readonly trigger: string | undefined;
  /** What the trigger was about: the name of a function, task, collection, error or signal. */
  readonly what: string | undefined;
  /** Why a trigger's file could not be written; undefined if it is there. */
  readonly error: string | undefined;
}

const MIN_AGE_MS = 10_000;
const MAX_BYTES = 10 << 20;
const MAX_FILES = 10;
const THROTTLE_MS = 60_000;
const FORMATS: readonly FlightFormat[] = ['.json', '.json.gz', '.pftrace', '.pftrace.gz'];

/** The one that runs: there is one window a process. */
let running: FlightRecorder | undefined;

export class FlightRecorder {
  readonly #session: SessionOptions;
  readonly #window: WindowOptions;
  readonly #onFile: ((file: FlightFile) => void) | undefined;
  readonly #forgetSignals: (() => void)[] = [];
  #writing: Promise<unknown> | undefined;
  #stopping: Promise<void> | undefined;

  /** @throws TraceUsageError `bad-option` */
  constructor(options: FlightRecorderOptions = {}) {
    this.#session = sessionOptions(options);
    this.#window = windowOptions(options, false);
    if (options.onFile !== undefined && typeof options.onFile !== 'function') {
      throw bad(`onFile must be a function, got ${typeof options.onFile}`);
    }
    this.#onFile = options.onFile;
  }

  /** Whether it is started and not stopped. */
  get enabled(): boolean {
    return running === this;
  }

  /**
   * Begins to keep what happens, from this call on.
   * @throws TraceUsageError `already-started` when this or another flight recorder of the process runs, `not-main-thread`,
   * `unsupported-node`, `bad-option` when what a trigger is on is not recorded, `cannot-open` when there is no thread for it (as a
   * rejection).
   */
  async start(): Promise<void> {
    if (running === undefined && isEnding()) await settled();
    beginFlight(this, this.#session, this.#window);
    running = this;
    whenFlightFile((result) => this.#onFile?.(result));
    for (const trigger of this.#window.triggers) if (trigger.on === 'signal') this.#listenTo(trigger.signal);
  }

  /** Waits for a `writeTo` that is under way, and gives everything back. Can be started again. Harmless twice. */
  stop(): Promise<void> {
    if (running !== this) return this.#stopping ?? Promise.resolve();
    this.#stopping ??= this.#finish();
    return this.#stopping;
  }

  /**
   * Writes what it holds now, and goes on: into a file, which takes its name when it is complete, or into a stream, which is
   * not ended.
   * @param target path or stream.
   * @param format default: what the path's extension says, `.json` for a stream.
   * @throws TraceUsageError `not-started`; `write-in-progress` when another `writeTo` of it is; `bad-option`; `write-failed` (all
   * as rejections).
   */
  async writeTo(target: string | NodeJS.WritableStream, format?: FlightFormat): Promise<FlightFile> {
    if (running !== this || this.#stopping !== undefined) {
      throw new TraceUsageError('not-started', 'the flight recorder does not run: start it first');
    }
    if (this.#writing !== undefined) {
      throw new TraceUsageError('write-in-progress', 'the flight recorder is writing: await that first');
    }
    if (format !== undefined) checkFormat(format);
    const writing =
      typeof target === 'string' ? writeFile(target, format) : writeStream(target, format ?? '.json');
    this.#writing = writing.catch(() => {});
    try {
      return await writing;
    } finally {
      this.#writing = undefined;
    }
  }

  async #finish(): Promise<void> {
    await this.#writing;
    for (const forget of this.#forgetSignals.splice(0)) forget();
    await leave('flight', () => ({ kind: 'close-window' }));
    whenFlightFile(undefined);
    running = undefined;
    this.#stopping = undefined;
  }

  #listenTo(signal: NodeJS.Signals): void {
    const listener = (): void => tell({ kind: 'signal', signal });
    process.on(signal, listener);
    this.#forgetSignals.push(() => process.off(signal, listener));
  }
}

/**
 * Starts a flight recorder for a program that knows nothing of it, for the register hook: it announces its files on stderr and
 * runs until the process ends.
 * @throws TraceUsageError
 */
export function beginLoudFlight(options: FlightRecorderOptions): void {
  const window = windowOptions(options, true);
  beginFlight(undefined, sessionOptions(options), window);
  for (const { on, ...rest } of window.triggers) {
    if (on !== 'signal') continue;
    const { signal } = rest as { readonly signal: NodeJS.Signals };
    process.on(signal, () => tell({ kind: 'signal', signal }));
  }
}

let isLoud = false;

function beginFlight(own: FlightRecorder | undefined, session: SessionOptions, window: WindowOptions): void {
  checkCanRecord();
  if (running !== undefined || isLoud) {
    throw new TraceUsageError(
      'already-started',
      running === own && own !== undefined
        ? 'this flight recorder runs already'
        : isLoud
          ? 'a flight recorder runs already: that of TTRACE_FLIGHT or ttrace run --flight'
          : 'another flight recorder runs: stop it first',
    );
  }
  checkSources(window.triggers, shownSources(session));
  let since: Since;
  try {
    since = joinSession('flight', session);
  } catch (error) {
    const reason = `cannot start the flight recorder: no thread for it: ${(error as Error).message}`;
    throw new TraceUsageError('cannot-open', reason);
  }
  isLoud = window.isLoud;
  tell({ kind: 'open-window', since, options: window });
}

/** What shows the moments that a trigger is about. Those of tasks and regions may be the program's own. */
const TRIGGER_SOURCES: { readonly [on in FlightTrigger['on']]?: SourceName } = {
  block: 'loop',
  gc: 'gc',
  error: 'errors',
};

/** A trigger on what is not recorded would never fire, and nobody would know. */
function checkSources(
  triggers: readonly FlightTrigger[],
  { mask, blockMicros }: Pick<SourceChoice, 'mask' | 'blockMicros'>,
): void {
  for (const trigger of triggers) {
    const source = TRIGGER_SOURCES[trigger.on];
    if (source !== undefined && !hasSource(mask, source)) {
      throw bad(
        `the trigger ${triggerText(trigger)} needs the source ${source}, which is off: leave out the trigger, or have ` +
          `${source} recorded (sources, --sources, TTRACE_SOURCES; of two recordings at once the first one's count)`,
      );
    }
    if (trigger.on === 'block' && trigger.overMs * 1000 < blockMicros) {
      throw bad(
        `the trigger ${triggerText(trigger)} is on blocks that are not recorded: only those over ${blockMicros / 1000} ms are, ` +
          'unless sources: { loop: { blockMs } } says less',
      );
    }
  }
}

async function writeFile(path: string, format: FlightFormat | undefined): Promise<FlightFile> {
  if (path === '') throw bad('writeTo needs a file to write, such as flight.json');
  const file = resolve(path);
  return write(file, format ?? file);
}

/** By way of a file: then the stream's pace is nobody else's. */
async function writeStream(stream: NodeJS.WritableStream, format: FlightFormat): Promise<FlightFile> {
  if (typeof stream?.write !== 'function') throw bad('writeTo needs a path or a writable stream');
  const file = join(tmpdir(), `ttrace-flight-${randomUUID()}${format}`);
  const result = await write(file, format);
  try {
    await copyInto(stream, file);
  } catch (error) {
    const reason = `the flight recorder's window is not all in the stream: ${(error as Error).message}`;
    throw new TraceUsageError('write-failed', reason);
  } finally {
    unlinkSync(file);
  }
  return { ...result, file: undefined };
}

/** `pipeline` does not wait for the last write into a stream that it leaves open. */
async function copyInto(stream: NodeJS.WritableStream, file: string): Promise<void> {
  let fail = (_error: Error): void => {};
  const failed = (error: Error): void => fail(error);
  const closed = (): void => fail(new Error('the stream was closed'));
  stream.on('error', failed).on('close', closed);
  for await (const chunk of createReadStream(file)) {
    await new Promise<void>((done, refused) => {
      fail = refused;
      stream.write(chunk as Buffer, (error) => (error ? refused(error) : done()));
    });
  }
  // Where it fails they stay: a stream emits its error after the callback.
  stream.off('error', failed).off('close', closed);
}

async function write(file: string, name: string): Promise<FlightFileResult> {
  const result = await ask({ kind: 'write-window', file, output: traceOutput(name) });
  const error = result === undefined ? 'the collector thread does not answer' : result.error;
  if (result === undefined || error !== undefined) {
    throw new TraceUsageError('write-failed', `cannot write ${file}: ${error}`, file);
  }
  return result;
}

function windowOptions(options: FlightRecorderOptions, loud: boolean): WindowOptions {
  const { minAgeMs, maxBytes, triggers, directory, format, maxFiles, throttleMs } = options;
  if (directory !== undefined && (typeof directory !== 'string' || directory === '')) {
    throw bad('directory must be a path');
  }
  return {
    minAgeNanos: within('minAgeMs', minAgeMs ?? MIN_AGE_MS, 0, 24 * 3600e3) * 1e6,
    maxBytes: within('maxBytes', maxBytes ?? MAX_BYTES, 64 << 10, 1 << 30),
    triggers: triggers === undefined ? [] : chooseTriggers(triggers),
    directory: resolve(directory ?? ''),
    extension: checkFormat(format ?? '.json.gz'),
    maxFiles: Math.floor(within('maxFiles', maxFiles ?? MAX_FILES, 1, 10_000)),
    throttleMs: within('throttleMs', throttleMs ?? THROTTLE_MS, 0, 24 * 3600e3),
    isLoud: loud,
  };
}

function checkFormat(format: string): string {
  if ((FORMATS as readonly string[]).includes(format)) return format;
  throw bad(`format must be one of ${FORMATS.join(', ')}, got ${String(format)}`);
}

function within(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw bad(`${name} must be from ${least} to ${most}, got ${String(value)}`);
}

function bad(message: string): TraceUsageError {
  return new TraceUsageError('bad-option', message);
}
