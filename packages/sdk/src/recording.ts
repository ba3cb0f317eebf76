/** A recording into a file, from `trace.start` to its end. */
import { resolve } from 'node:path';
import type { Since } from './collector-protocol.ts';
import { discardTraceFile, openTraceFile } from './open-trace-file.ts';
import { Control, DEFAULT_SLOTS_LOG2, SLOT_BYTES } from './ring.ts';
import {
  checkCanRecord,
  isEnding,
  join,
  leave,
  type SessionOptions,
  settled,
  tell,
  whenExitFails,
  whenReleased,
} from './session.ts';
import { sharedMemory } from './shared-memory.ts';
import { chooseSources, type SourceOptions } from './source-options.ts';
import { isRecording } from './thread-recorder.ts';
import { traceOutput } from './trace-output.ts';
import { TraceUsageError } from './trace-usage-error.ts';

/** How to record, whatever becomes of it. */
export interface RecordOptions {
  /**
   * Bytes of memory a thread may fill before the collector has written them; a power of two of slots of 24 bytes is
   * used. Default 12 MiB. From 64 KiB to 256 MiB. A full buffer drops the newest events and counts them.
   */
  readonly bufferBytes?: number;
  /**
   * What to record of the runtime: `false` for nothing, or an object such as `{ messages: false, loop: { blockMs: 50 } }`.
   * Default: what the environment variable TTRACE_SOURCES says, such as `no-messages` or `none,gc`, else everything that costs
   * little. Of a trace and a flight recorder at once, the first one's options count.
   */
  readonly sources?: boolean | SourceOptions;
}

/** What to record, and where to. */
export interface StartOptions extends RecordOptions {
  /** The file to write; its extension picks the format: `.json`, `.json.gz`, `.pftrace`, `.pftrace.gz`. */
  readonly file: string;
}

/** What a recording contained. */
export interface RecordingReport {
  readonly file: string;
  /** Events that are in the file. */
  readonly events: number;
  /** Events that found no room in their thread's buffer, and open spans of OpenTelemetry of workers that were blocked at the end or terminated. */
  readonly dropped: number;
  /** Threads that took part. */
  readonly threads: number;
  /** Threads that could not: there was no memory for their buffers. */
  readonly refusedThreads: number;
}

/** The file that is recorded into, or being completed. */
let file: string | undefined;
/** The stop that is under way, so that a second one waits for the same. */
let stopping: Promise<RecordingReport | undefined> | undefined;

/**
 * Starts recording into a file; events count from the moment this is called, the promise resolves
 * when the file is open and all threads record.
 * @throws TraceUsageError `already-started`, `not-main-thread`, `unsupported-node`, `bundled`, `bad-option`, `cannot-open` (as a rejection).
 */
export async function start(options: StartOptions): Promise<void> {
  // A flight recorder that is being stopped.
  if (file === undefined && isEnding()) await settled();
  beginRecording(options);
}

/**
 * `start` without the promise, for the register hook.
 * @param onExitError Is told when the file could not be completed while the process exits.
 */
export function beginRecording(options: StartOptions, onExitError?: (message: string) => void): void {
  checkCanRecord();
  if (file !== undefined) {
    throw new TraceUsageError(
      'already-started',
      stopping !== undefined
        ? `still completing ${file}: await stop() first`
        : isRecording()
          ? `already recording into ${file}: stop that first`
          : `${file} is complete, but this thread has been blocked since and must be free first`,
    );
  }
  if (
    typeof options !== 'object' ||
    options === null ||
    typeof options.file !== 'string' ||
    options.file === ''
  ) {
    throw new TraceUsageError('bad-option', "start needs a file to write, such as { file: 'trace.json' }");
  }
  const path = resolve(options.file);
  const session = sessionOptions(options);
  const output = traceOutput(path);
  const fd = openTraceFile(path);
  let since: Since;
  try {
    since = join('file', session);
  } catch (error) {
    discardTraceFile(path, fd);
    const reason = `cannot record into ${path}: no thread for the collector: ${(error as Error).message}`;
    throw new TraceUsageError('cannot-open', reason, path);
  }
  file = path;
  whenExitFails(onExitError);
  whenReleased(() => void stop().catch(() => {}));
  tell({ kind: 'open-file', since, fd, output });
}

/** The file that is recorded into, or being completed; undefined for none. */
export function recordedFile(): string | undefined {
  return file;
}

/** Checks what is common to all recordings. @throws TraceUsageError `bad-option` */
export function sessionOptions({ bufferBytes, sources }: RecordOptions): SessionOptions {
  const bytes = bufferBytes ?? SLOT_BYTES << DEFAULT_SLOTS_LOG2;
  if (!Number.isFinite(bytes) || bytes < 64 << 10 || bytes > 256 << 20) {
    throw new TraceUsageError(
      'bad-option',
      `bufferBytes must be from 65536 to ${256 << 20}, got ${String(bytes)}`,
    );
  }
  return { slotsLog2: Math.floor(Math.log2(bytes / SLOT_BYTES)), sources: chooseSources(sources) };
}

/**
 * Ends the recording. Resolves when the file is complete and closed, with what it contains; without a recording, at once
 * with undefined.
 * @throws TraceUsageError `write-failed` (as a rejection) when the file could not be written; everything else was taken back.
 */
export function stop(): Promise<RecordingReport | undefined> {
  if (file === undefined) return Promise.resolve(undefined);
  stopping ??= finish(file).finally(() => {
    stopping = undefined;
    file = undefined;
  });
  return stopping;
}

async function finish(path: string): Promise<RecordingReport> {
  const { answer: report, failure } = await leave('file', (isLast) => ({ kind: 'close-file', isLast }));
  const error = failure ?? (report === undefined ? 'the collector thread does not answer' : report.error);
  if (report === undefined || error !== undefined) {
    throw new TraceUsageError('write-failed', `the trace in ${path} is not complete: ${error}`, path);
  }
  const refusedThreads = sharedMemory().control[Control.refusedThreads]!;
  return {
    file: path,
    events: report.records,
    dropped: report.dropped,
    threads: report.threads,
    refusedThreads,
  };
}
