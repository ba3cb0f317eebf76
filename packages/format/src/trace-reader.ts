/**
 * The interface of everything that decodes bytes into a TraceBuilder. A reader is pushed chunks of any size, keeps what
 * it cannot use yet, and never throws: damaged input ends it with an error it returns.
 */
import type { TraceFormatError } from './trace-format-error.ts';

export interface TraceReader {
  /** Takes the next bytes. Returns the error that ended reading, after which further chunks are ignored. */
  push(chunk: Uint8Array): TraceFormatError | undefined;
  /** Says that no more bytes come. Returns why the input is not whole, or undefined. */
  end(): TraceFormatError | undefined;
  /** Bytes taken so far. */
  readonly bytesRead: number;
}

/** Bounds that keep damaged or hostile input from using memory without end. */
export interface ReadLimits {
  /** Longest event, packet or string that is buffered, in bytes. */
  readonly maxEventBytes: number;
  /** Deepest nesting of arguments. */
  readonly maxDepth: number;
  /** Most distinct strings; past it new names become `(other)` and new arguments are left out. */
  readonly maxStrings: number;
  /** Most events. */
  readonly maxEvents: number;
}

export const DEFAULT_LIMITS: ReadLimits = {
  maxEventBytes: 64 << 20,
  maxDepth: 1000,
  maxStrings: 20_000_000,
  maxEvents: 100_000_000,
};
