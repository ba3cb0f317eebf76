/** Records a whole run of a program that knows nothing of it: what the register hook does for `ttrace run`. */
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { beginSession, finishAtExit } from './session.ts';
import { activeRecording } from './thread-recorder.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Starts recording and completes the file at the end of the process. A file that cannot be written is said on stderr. */
export function recordWholeRun(file: string): void {
  try {
    beginSession({ file });
  } catch (error) {
    complain((error as Error).message);
    return;
  }
  // The main thread gets its track even if it records nothing.
  activeRecording();
  process.on('exit', () => {
    const error = finishAtExit();
    if (error !== undefined) complain(`the trace in ${file} is not complete: ${error}`);
  });
  for (const signal of SIGNALS) endOn(signal);
}

/** A signal that the program does not handle ends it as ever, but with a complete file. */
function endOn(signal: (typeof SIGNALS)[number]): void {
  const handler = (): void => {
    if (process.listenerCount(signal) > 1) return;
    process.off(signal, handler);
    const error = finishAtExit();
    if (error !== undefined) complain(error);
    process.kill(process.pid, signal);
    // Where the signal does not end a process (Windows), exit as a shell would report it.
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
  };
  process.on(signal, handler);
}

function complain(message: string): void {
  try {
    writeSync(2, `ttrace: ${message}\n`);
  } catch {
    // No stderr left.
  }
}
