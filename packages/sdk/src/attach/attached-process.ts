/**
 * What `ttrace attach` and `ttrace snapshot` call in the main thread of a process that somebody else has started: it reaches them
 * through the inspector, which may interrupt any code, also an endless loop. So all of it is synchronous, and nothing waits for
 * the event loop.
 *
 * What comes later (the end, the result) goes between the command and the collector (control-line.ts), which no loop can block.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { beginRecording, recordedFile } from '../recording.ts';
import { isEnding, tell } from '../session.ts';
import { parseSources } from '../source-options.ts';
import { activeRecording, isRecording } from '../thread-recorder.ts';
import { traceOutput } from '../trace-output.ts';
import { TraceUsageError } from '../trace-usage-error.ts';

export type { FlightFileResult } from '../flight/files.ts';
export type { ControlReport } from './control-line.ts';
export { type Interruption, interruption, RUNNING } from './interruption.ts';
export type { FoundThreads } from './worker-finder.ts';

/** What the command asks for. */
export interface AttachOptions {
  /** Absolute path of the trace, which this process writes. */
  readonly file: string;
  /** What to record of the runtime, as `parseSources` reads it; undefined for what the environment says. */
  readonly sources: string | undefined;
  /** Where the command listens. The recording ends when it says so there, or is gone. */
  readonly socket: string;
}

/**
 * Starts to record: this thread, and by the collector the workers (worker-finder.ts).
 * @throws TraceUsageError as `trace.start` does, and `cannot-open` when the command is gone already.
 */
export function attachProcess({ file, sources, socket }: AttachOptions): void {
  checkSocket(socket);
  const recorded = recordedFile();
  if (recorded !== undefined && isRecording()) {
    throw new TraceUsageError(
      'already-started',
      `it is recorded already, into ${recorded}: look at that, or end it first`,
    );
  }
  if (isEnding()) throw new TraceUsageError('already-started', 'its last recording is ending: try again');
  beginRecording({ file, ...(sources === undefined ? {} : { sources: parseSources(sources) }) });
  tell({ kind: 'obey', socket });
  // The main thread gets its track even if it records nothing.
  activeRecording();
}

/** What the command wants to have of the flight recorder. */
export interface SnapshotOptions {
  /** Absolute path. */
  readonly file: string;
  /** Where the command waits for the result. */
  readonly socket: string;
}

/** Writes what the flight recorder holds, without stopping it. The collector does so, and says there what came of it. */
export function snapshotProcess({ file, socket }: SnapshotOptions): void {
  checkSocket(socket);
  tell({ kind: 'send-window', file: resolve(file), output: traceOutput(file), socket });
}

function checkSocket(socket: string): void {
  // Asked while this thread was in a long native call, and given up meanwhile. Windows' pipes cannot be looked for.
  if (process.platform === 'win32' || existsSync(socket)) return;
  throw new TraceUsageError(
    'cannot-open',
    `this process does not see the socket of the command, ${socket}`,
    socket,
  );
}
