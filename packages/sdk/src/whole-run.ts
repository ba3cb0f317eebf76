/** Records a whole run of a program that knows nothing of it: what the register hook does for `ttrace run`. */
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { beginSession, finishAtExit } from './session.ts';
import { activeRecording } from './thread-recorder.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Starts recording and completes the file at the end of the process. A file that cannot be written is said on stderr. */
export function recordWholeRun(file: string): void {
  try {
    beginSession({ file }, (error) => complain(`the trace in ${file} is not complete: ${error}`));
  } catch (error) {
    complain((error as Error).message);
    return;
  }
  // The main thread gets its track even if it records nothing.
  activeRecording();
  for (const signal of SIGNALS) endOn(signal, file);
}

/** A signal that the program does not handle ends it as ever, but with a complete file. */
function endOn(signal: (typeof SIGNALS)[number], file: string): void {
  const handler = (): void => {
    if (process.listenerCount(signal) - 1 > signalExitListeners()) return;
    // Before the handler is gone: a second signal would end the process in the middle of the file.
    const error = finishAtExit();
    process.off(signal, handler);
    if (error !== undefined) complain(`the trace in ${file} is not complete: ${error}`);
    process.kill(process.pid, signal);
    // Where the signal does not end a process (Windows), exit as a shell would report it.
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
  };
  process.on(signal, handler);
}

/**
 * How many listeners the package `signal-exit` has on a signal (most command-line tools load it). It ends the process only
 * when nobody else listens, just as we do: without counting it out, both would wait for each other and the signal be lost.
 */
function signalExitListeners(): number {
  const emitters = [
    (process as unknown as Record<string, unknown>).__signal_exit_emitter__,
    (globalThis as unknown as Record<symbol, unknown>)[Symbol.for('signal-exit emitter')],
  ];
  let count = 0;
  for (const emitter of emitters) count += Number((emitter as { count?: unknown } | undefined)?.count ?? 0);
  return count;
}

function complain(message: string): void {
  try {
    writeSync(2, `ttrace: ${message}\n`);
  } catch {
    // No stderr left.
  }
}
