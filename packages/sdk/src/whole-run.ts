/** Records a whole run of a program that knows nothing of it: what the register hook does for `ttrace run` and TTRACE_FLIGHT. */
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { beginLoudFlight, type FlightFormat, type FlightRecorderOptions } from './flight/flight-recorder.ts';
import { beginRecording } from './recording.ts';
import { finishAtExit, whenExitFails } from './session.ts';
import { activeRecording } from './thread-recorder.ts';
import { TraceUsageError } from './trace-usage-error.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Variables with a number each, for the flight recorder. */
const FLIGHT_NUMBERS = [
  'TTRACE_FLIGHT_MIN_AGE_MS',
  'TTRACE_FLIGHT_MAX_BYTES',
  'TTRACE_FLIGHT_MAX_FILES',
  'TTRACE_FLIGHT_THROTTLE_MS',
] as const;

/**
 * Starts recording and completes the file at the end of the process. What cannot be is said on stderr, and the program runs.
 * @param file the trace, '' for none.
 * @param flight triggers of the flight recorder, '' for none.
 * @param say is told what cannot be done; the default says it on stderr.
 */
export function recordWholeRun(
  file: string,
  flight: string,
  say: (message: string) => void = complain,
): void {
  const sayIncomplete = (error: string): void => say(`the trace in ${file} is not complete: ${error}`);
  // Before there is a file: `ttrace run` passes no signal on until it sees that.
  const forget = SIGNALS.map((signal) => endOn(signal, sayIncomplete));
  const isRecorded = file !== '' && attempt(() => beginRecording({ file }, sayIncomplete), say);
  // Without a file there is nothing to complete: a signal ends the process as ever, also out of an endless loop.
  if (!isRecorded) for (const each of forget) each();
  const isFlying = flight !== '' && attempt(() => beginLoudFlight(flightOptions(flight)), say);
  if (isFlying && !isRecorded) whenExitFails((error) => say(`the flight recorder has failed: ${error}`));
  // The main thread gets its track even if it records nothing.
  if (isRecorded || isFlying) activeRecording();
}

/** @throws TraceUsageError when a variable holds no number. */
function flightOptions(triggers: string): FlightRecorderOptions {
  const { TTRACE_FLIGHT_DIR: directory, TTRACE_FLIGHT_FORMAT: format } = process.env;
  const [minAgeMs, maxBytes, maxFiles, throttleMs] = FLIGHT_NUMBERS.map((name) => {
    const text = process.env[name] ?? '';
    if (text === '') return undefined;
    const number = Number(text);
    if (Number.isNaN(number)) {
      throw new TraceUsageError('bad-option', `${name} must be a number without a unit, got ${text}`);
    }
    return number;
  });
  return {
    triggers,
    ...(directory === undefined || directory === '' ? {} : { directory }),
    ...(format === undefined || format === '' ? {} : { format: format as FlightFormat }),
    ...(minAgeMs === undefined ? {} : { minAgeMs }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(maxFiles === undefined ? {} : { maxFiles }),
    ...(throttleMs === undefined ? {} : { throttleMs }),
  };
}

/** Whether it could be done; if not, that is said. */
function attempt(act: () => void, say: (message: string) => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    say((error as Error).message);
    return false;
  }
}

/** A signal that the program does not handle ends it as ever, but with a complete file. Returns what takes that back. */
function endOn(signal: (typeof SIGNALS)[number], sayIncomplete: (error: string) => void): () => void {
  const handler = (): void => {
    if (process.listenerCount(signal) - 1 > signalExitListeners()) return;
    // Before the handler is gone: a second signal would end the process in the middle of the file.
    const error = finishAtExit();
    process.off(signal, handler);
    if (error !== undefined) sayIncomplete(error);
    process.kill(process.pid, signal);
    // Where the signal does not end a process (Windows), exit as a shell would report it.
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
  };
  process.on(signal, handler);
  return () => process.off(signal, handler);
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
