/**
 * One recording of the process, from start to its end, however it ends: opens the file, starts the collector, switches all
 * threads on, and takes everything back. Main thread only. Module state, because there is one recording a process.
 */
import { basename, resolve } from 'node:path';
import { isMainThread, type Worker } from 'node:worker_threads';
import type { CollectorData, CollectorReport } from './collector.ts';
import { discardTraceFile, openTraceFile } from './open-trace-file.ts';
import { afterExitListeners } from './process-exit.ts';
import {
  BlockState,
  blockBytes,
  blockHeader,
  CollectorState,
  Control,
  DEFAULT_SLOTS_LOG2,
  ERROR_OFFSET,
  Header,
  SLOT_BYTES,
} from './ring.ts';
import { sharedMemory } from './shared-memory.ts';
import { chooseSources, type SourceChoice, type SourceOptions } from './source-options.ts';
import { activeRecording } from './thread-recorder.ts';
import { stopSources } from './thread-sources.ts';
import { type TraceOutput, traceOutput } from './trace-output.ts';
import { TraceUsageError } from './trace-usage-error.ts';
import { enrolWorkers, OriginalWorker } from './worker-enrolment.ts';

/** What to record, and where to. */
export interface StartOptions {
  /** The file to write; its extension picks the format: `.json`, `.json.gz`, `.pftrace`, `.pftrace.gz`. */
  readonly file: string;
  /**
   * Bytes of memory a thread may fill before the collector has written them; a power of two of slots of 24 bytes is
   * used. Default 12 MiB. From 64 KiB to 256 MiB. A full buffer drops the newest events and counts them.
   */
  readonly bufferBytes?: number;
  /**
   * What to record of the runtime: `false` for nothing, or an object such as `{ messages: false, loop: { blockMs: 50 } }`.
   * Default: what the environment variable TTRACE_SOURCES says, such as `no-messages` or `none,gc`, else everything that costs
   * little.
   */
  readonly sources?: boolean | SourceOptions;
}

/** What a recording contained. */
export interface RecordingReport {
  readonly file: string;
  /** Events that are in the file. */
  readonly events: number;
  /** Events that found no room in their thread's buffer. */
  readonly dropped: number;
  /** Threads that took part. */
  readonly threads: number;
  /** Threads that could not: there was no memory for their buffers. */
  readonly refusedThreads: number;
}

interface Session {
  readonly file: string;
  readonly collector: Worker;
  readonly ended: Promise<CollectorReport>;
  readonly restoreWorkers: () => void;
  readonly forgetExit: () => void;
}

/** How long an exiting process waits for a collector that shows no sign of life. */
const EXIT_PATIENCE_MS = 5000;

const { control, arena } = sharedMemory();
let session: Session | undefined;
/** The recording that is being stopped: the process may exit before its file is complete. */
let ending: Session | undefined;
/** The stop that is under way, so that a second one waits for the same. */
let stopping: Promise<RecordingReport | undefined> | undefined;

/**
 * Starts recording into a file; events count from the moment this is called, the promise resolves
 * when the file is open and all threads record.
 * @throws TraceUsageError `already-started`, `not-main-thread`, `unsupported-node`, `bad-option`, `cannot-open` (as a rejection).
 */
export async function start(options: StartOptions): Promise<void> {
  beginSession(options);
}

/**
 * `start` without the promise, for the register hook.
 * @param onExitError Is told when the file could not be completed while the process exits.
 */
export function beginSession(options: StartOptions, onExitError?: (message: string) => void): void {
  if (!isMainThread) {
    throw new TraceUsageError(
      'not-main-thread',
      'start the recording in the main thread: its workers take part by themselves',
    );
  }
  // Workers enrol through a CommonJS hook that requires ES modules.
  if (process.features.require_module !== true) {
    throw new TraceUsageError(
      'unsupported-node',
      `recording needs Node.js 20.19, 22.12 or newer with require(esm) on; this is ${process.version}`,
    );
  }
  if (isBusy()) {
    const file = (session ?? ending)?.file ?? 'a file';
    throw new TraceUsageError(
      'already-started',
      ending === undefined
        ? `already recording into ${file}: stop that first`
        : `still completing ${file}: await stop() first`,
    );
  }
  const { file, slotsLog2, output, sources } = checked(options);
  const fd = openTraceFile(file);
  try {
    session = launch(file, fd, output, slotsLog2, sources, onExitError);
  } catch (error) {
    discardTraceFile(file, fd);
    const reason = `cannot record into ${file}: no thread for the collector: ${(error as Error).message}`;
    throw new TraceUsageError('cannot-open', reason, file);
  }
}

/** Whether a recording runs or is being stopped, also one of another copy of the SDK in this process. */
function isBusy(): boolean {
  return session !== undefined || stopping !== undefined || Atomics.load(control, Control.owner) !== 0;
}

/**
 * Ends the recording. Resolves when the file is complete and closed, with what it contains; without a recording, at once
 * with undefined.
 * @throws TraceUsageError `write-failed` (as a rejection) when the file could not be written; everything else was taken back.
 */
export function stop(): Promise<RecordingReport | undefined> {
  if (session === undefined) return stopping ?? Promise.resolve(undefined);
  const own = session;
  session = undefined;
  ending = own;
  stopping = finish(own).finally(() => {
    stopping = undefined;
  });
  return stopping;
}

/**
 * Ends the recording while the process exits: blocks until the file is complete. Returns the error of writing, if any.
 * Harmless without a recording.
 */
export function finishAtExit(): string | undefined {
  const own = session ?? ending;
  if (own === undefined) return undefined;
  if (session !== undefined) switchOff(own);
  session = undefined;
  ending = undefined;
  own.forgetExit();
  let rounds = -1;
  let idleMs = 0;
  for (;;) {
    const state = Atomics.load(control, Control.state);
    if (state === CollectorState.finished) break;
    Atomics.wait(control, Control.state, state, 100);
    const now = Atomics.load(control, Control.rounds);
    idleMs = now === rounds ? idleMs + 100 : 0;
    rounds = now;
    if (idleMs > EXIT_PATIENCE_MS) return 'the collector thread does not answer; the file may lack its end';
  }
  const length = Atomics.load(control, Control.errorBytes);
  if (length === 0) return undefined;
  return new TextDecoder().decode(new Uint8Array(control.buffer, ERROR_OFFSET, length).slice());
}

function checked(options: StartOptions): {
  file: string;
  slotsLog2: number;
  output: TraceOutput;
  sources: SourceChoice;
} {
  if (
    options === null ||
    typeof options !== 'object' ||
    typeof options.file !== 'string' ||
    options.file === ''
  ) {
    throw new TraceUsageError('bad-option', "start needs a file to write, such as { file: 'trace.json' }");
  }
  const file = resolve(options.file);
  const bytes = options.bufferBytes ?? SLOT_BYTES << DEFAULT_SLOTS_LOG2;
  if (!Number.isFinite(bytes) || bytes < 64 << 10 || bytes > 256 << 20) {
    throw new TraceUsageError(
      'bad-option',
      `bufferBytes must be from 65536 to ${256 << 20}, got ${String(bytes)}`,
    );
  }
  return {
    file,
    slotsLog2: Math.floor(Math.log2(bytes / SLOT_BYTES)),
    output: traceOutput(file),
    sources: chooseSources(options.sources),
  };
}

function launch(
  file: string,
  fd: number,
  output: TraceOutput,
  slotsLog2: number,
  sources: SourceChoice,
  onExitError: ((message: string) => void) | undefined,
): Session {
  const recording = control[Control.lastRecording]! + 1;
  freeBlocks();
  control[Control.lastRecording] = recording;
  control[Control.state] = CollectorState.starting;
  control[Control.rounds] = 0;
  control[Control.errorBytes] = 0;
  control[Control.refusedThreads] = 0;
  control[Control.blocks] = 0;
  control[Control.slotsLog2] = slotsLog2;
  control[Control.sources] = sources.mask;
  control[Control.turnMicros] = sources.turnMicros;
  control[Control.blockMicros] = sources.blockMicros;

  const origin = process.hrtime.bigint();
  const data: CollectorData = {
    control: control.buffer as SharedArrayBuffer,
    arena,
    fd,
    output,
    pid: process.pid,
    processName: `node ${basename(process.argv[1] ?? '')}`.trim(),
    origin,
    canInspect: canInspect(),
    recording: JSON.stringify({
      version: 1,
      clock: { monotonicNanos: String(origin), wallMillis: Date.now() },
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
    }),
  };
  // No flags, no environment: preloads of the program must not run in the collector.
  const collector = new OriginalWorker(new URL('./collector.js', import.meta.url), {
    workerData: data,
    execArgv: [],
    env: {},
    name: 'ttrace collector',
    trackUnmanagedFds: false,
    // It makes next to no garbage; a young generation of the usual size would only be filled before it is emptied.
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  });
  const ended = collectorEnd(collector);
  collector.unref();
  const forgetExit = afterExitListeners(() => {
    const error = finishAtExit();
    if (error !== undefined) onExitError?.(error);
  });
  const own: Session = { file, collector, ended, restoreWorkers: enrolWorkers(), forgetExit };
  Atomics.store(control, Control.owner, 1);
  Atomics.store(control, Control.recording, recording);
  Atomics.notify(control, Control.recording);
  // Starts this thread's sources; without any it takes part once it records something.
  if (sources.mask !== 0) activeRecording();
  return own;
}

/** Asked in the main thread: a worker does not know of the permission model. */
function canInspect(): boolean {
  const { permission } = process as { permission?: { has(scope: string): boolean } };
  try {
    return permission === undefined || permission.has('inspector');
  } catch {
    return false;
  }
}

/** Blocks of the last recording's threads. All threads are off; one that was late at most spoils its own old block. */
function freeBlocks(): void {
  const slotsLog2 = control[Control.slotsLog2]!;
  for (let index = 0; index < control[Control.blocks]!; index++) {
    if (blockBytes(slotsLog2) * (index + 1) > arena.byteLength) break;
    Atomics.store(blockHeader(arena, slotsLog2, index), Header.state, BlockState.free);
  }
}

function collectorEnd(collector: Worker): Promise<CollectorReport> {
  return new Promise((resolvePromise) => {
    const failed = (message: string): void => {
      // So that an exiting process does not wait for it.
      Atomics.store(control, Control.state, CollectorState.finished);
      resolvePromise({ records: 0, dropped: 0, threads: 0, error: { message, code: '' } });
    };
    let report: CollectorReport | undefined;
    collector.once('message', (message: CollectorReport) => {
      report = message;
    });
    collector.once('error', (error: Error) => failed(`the collector thread failed: ${error.message}`));
    // Wait for the thread's end, not only its report: then nothing of it is left.
    collector.once('exit', () =>
      report === undefined ? failed('the collector thread ended early') : resolvePromise(report),
    );
  });
}

/** All threads stop recording, and the collector is told to finish. */
function switchOff(own: Session): void {
  stopSources();
  Atomics.store(control, Control.recording, 0);
  Atomics.notify(control, Control.recording);
  own.restoreWorkers();
  Atomics.store(control, Control.state, CollectorState.finishing);
  Atomics.add(control, Control.wake, 1);
  Atomics.notify(control, Control.wake);
}

async function finish(own: Session): Promise<RecordingReport> {
  switchOff(own);
  own.collector.ref();
  const { records, dropped, threads, error } = await own.ended;
  own.forgetExit();
  ending = undefined;
  Atomics.store(control, Control.owner, 0);
  if (error !== undefined) {
    throw new TraceUsageError(
      'write-failed',
      `the trace in ${own.file} is not complete: ${error.message}`,
      own.file,
    );
  }
  return {
    file: own.file,
    events: records,
    dropped,
    threads,
    refusedThreads: control[Control.refusedThreads]!,
  };
}
