/**
 * A trace in memory: columns, one row an event, and small tables beside them. Readers build it with TraceBuilder;
 * analyses, pages, exporters and `writeTrace` read it. Immutable once built.
 *
 * 37 bytes a row and no object per event: ten million events fit in half a gigabyte.
 */
import type { StringTable } from './strings.ts';
import type { TraceFormatError } from './trace-format-error.ts';

/** What a row is. */
export const EventKind = {
  /** A stretch of time on a track. `value` is its duration; -1 = it never ended. */
  slice: 0,
  /** A point in time. */
  instant: 1,
  /** A counter sample. `value` is the value. */
  counter: 2,
  /** Start, waypoint, end of an arrow. `value` is the flow's number: rows with one number belong together. */
  flowOut: 3,
  flowStep: 4,
  flowIn: 5,
} as const;
export type EventKind = (typeof EventKind)[keyof typeof EventKind];

/** Where events lie. `name` is '' until the file names the track. */
export interface Track {
  readonly kind: 'process' | 'thread' | 'async' | 'counter';
  name: string;
  readonly pid: number;
  /** OS thread id of a thread, else 0. (pid, tid) is unique over the trace. */
  readonly tid: number;
  /** Async: the operation's id as the file writes it. Counter: its id or ''. */
  readonly id: string;
  /** Async: category that scopes the id, else ''. */
  readonly category: string;
  /** Counter: unit, else ''. */
  unit: string;
  /** The producer's wish for the order of display; 0 = none. */
  sortIndex: number;
  /** Events that the recorder says it dropped on this thread. */
  dropped: number;
}

/** A process of the trace. */
export interface Process {
  readonly pid: number;
  name: string;
  sortIndex: number;
}

/** Rows in file order, one array a field; all have the length `Trace.length`. */
export interface EventColumns {
  readonly kind: Uint8Array;
  /** Nanoseconds since `Trace.origin`; not sorted, may be negative. */
  readonly start: Float64Array;
  /** Duration in nanoseconds, counter value or flow number, by `kind`. */
  readonly value: Float64Array;
  /** String ids. */
  readonly name: Uint32Array;
  readonly category: Uint32Array;
  /** Index into `Trace.tracks`. */
  readonly track: Uint32Array;
  /** String id of the arguments as the text of a JSON object; 0 = none. */
  readonly args: Uint32Array;
}

/** How the trace's clock relates to the wall clock, when the producer says so. */
export interface ClockSnapshot {
  /** Nanoseconds on the trace's clock … */
  readonly monotonicNanos: bigint;
  /** … that were this moment, in milliseconds since 1970. */
  readonly wallMillis: number;
}

export interface Trace {
  readonly format: 'json' | 'perfetto' | 'text' | 'cpuprofile' | 'otlp';
  readonly length: number;
  readonly columns: EventColumns;
  readonly strings: StringTable;
  readonly tracks: readonly Track[];
  readonly processes: readonly Process[];
  /** Absolute nanoseconds of time 0 on the producer's clock. */
  readonly origin: bigint;
  readonly clock: ClockSnapshot | undefined;
  /** Facts that the file states about itself, by name, as JSON text (`otherData`, `ttrace_recording`, …). */
  readonly metadata: ReadonlyMap<string, string>;
  /** What was understood but has no place in the columns, or was not understood, by a short reason, counted. */
  readonly skipped: ReadonlyMap<string, number>;
  /** Why reading stopped early, if it did. The rows before that point are all here. */
  readonly error: TraceFormatError | undefined;
  /** Bytes of input that were read, decompressed. */
  readonly bytesRead: number;
}

/** First begin and last end over all rows, in nanoseconds since the origin; both 0 for an empty trace. */
export function timeRange(trace: Trace): { start: number; end: number } {
  const { kind, start, value } = trace.columns;
  let first = Infinity;
  let last = -Infinity;
  for (let row = 0; row < trace.length; row++) {
    const begin = start[row]!;
    const end = kind[row] === EventKind.slice && value[row]! > 0 ? begin + value[row]! : begin;
    if (begin < first) first = begin;
    if (end > last) last = end;
  }
  return first <= last ? { start: first, end: last } : { start: 0, end: 0 };
}
