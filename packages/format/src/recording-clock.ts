/**
 * Reads the clock out of what a recording says about itself (`ttrace_recording` in vocabulary.ts), for the readers and
 * writers of formats that keep a clock in a place of their own.
 */
import type { ClockSnapshot } from './trace.ts';

/** The clock that the arguments of `ttrace_recording`, a JSON object as text, state; undefined if they state none. */
export function recordingClock(args: string): ClockSnapshot | undefined {
  let recording: unknown;
  try {
    recording = JSON.parse(args);
  } catch {
    return undefined;
  }
  const clock = member(recording, 'clock');
  const monotonic = member(clock, 'monotonicNanos');
  const wallMillis = member(clock, 'wallMillis');
  if (typeof monotonic !== 'string' || !/^\d{1,19}$/.test(monotonic)) return undefined;
  if (typeof wallMillis !== 'number' || !(wallMillis > 0) || wallMillis > 1e14) return undefined;
  return { monotonicNanos: BigInt(monotonic), wallMillis };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
