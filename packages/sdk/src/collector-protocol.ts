/** What the main thread and the collector say to each other. Events are not in it: they come through the rings. */
import type { MessagePort } from 'node:worker_threads';
import type { FlightFileResult } from './flight/files.ts';
import type { FlightTrigger } from './flight/triggers.ts';
import type { TraceOutput } from './trace-output.ts';

/** What the collector is started with. */
export interface CollectorData {
  readonly control: SharedArrayBuffer;
  readonly arena: SharedArrayBuffer;
  readonly pid: number;
  readonly processName: string;
  readonly origin: bigint;
}

/** The flight recorder's window, and when it writes files by itself. */
export interface WindowOptions {
  readonly minAgeNanos: number;
  readonly maxBytes: number;
  readonly triggers: readonly FlightTrigger[];
  /** Absolute path of where triggers write. */
  readonly directory: string;
  /** `.json`, `.json.gz`, `.pftrace` or `.pftrace.gz`. */
  readonly extension: string;
  readonly maxFiles: number;
  readonly throttleMs: number;
  /** Whether files are announced on stderr. */
  readonly isLoud: boolean;
}

/** A wish, answered by a `Reply` with the same id. */
export type Request = { readonly id: number } & Wish;

/** Nanoseconds of `process.hrtime` from which on events count; undefined: all of this session. */
export type Since = bigint | undefined;

export type Wish =
  | { readonly kind: 'open-file'; readonly since: Since; readonly fd: number; readonly output: TraceOutput }
  /** @param isLast whether nothing is recorded any more. */
  | { readonly kind: 'close-file'; readonly isLast: boolean }
  | { readonly kind: 'open-window'; readonly since: Since; readonly options: WindowOptions }
  | { readonly kind: 'close-window' }
  /** Writes what the window holds into a file, at an absolute path. */
  | { readonly kind: 'write-window'; readonly file: string; readonly output: TraceOutput }
  /** Lets a command of another process end the recording into a file: it listens on this socket. */
  | { readonly kind: 'obey'; readonly socket: string }
  /** The same as `write-window`; who listens on the socket is told of the result. */
  | {
      readonly kind: 'send-window';
      readonly file: string;
      readonly output: TraceOutput;
      readonly socket: string;
    }
  /** A debug server is there, whose thread asks over this port (debug/debug-protocol.ts). */
  | { readonly kind: 'open-debug'; readonly since: Since; readonly port: MessagePort }
  | { readonly kind: 'close-debug' }
  /** A signal has come that may be a trigger. */
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals };

/** What a trace file contained when it was closed. */
export interface FileReport {
  readonly records: number;
  readonly dropped: number;
  readonly threads: number;
  readonly error: string | undefined;
}

export interface Replies {
  readonly 'open-file': undefined;
  readonly 'close-file': FileReport;
  readonly 'open-window': undefined;
  readonly 'close-window': undefined;
  readonly 'write-window': FlightFileResult;
  readonly obey: undefined;
  readonly 'send-window': undefined;
  readonly 'open-debug': undefined;
  readonly 'close-debug': undefined;
  readonly signal: undefined;
}

/** An answer, a file that a trigger has written, or that the recording into a file is to end. */
export type Reply =
  | { readonly id: number; readonly answer: Replies[Wish['kind']] }
  | { readonly id: 0; readonly flightFile: FlightFileResult }
  | { readonly id: 0; readonly isReleased: true }
  /** The inspector session is closed: the main thread says when it has seen that (collector.ts). */
  | { readonly id: 0; readonly isDisconnected: true };
