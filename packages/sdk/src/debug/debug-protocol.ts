/**
 * What the thread of a debug server and the collector say to each other, over a port of their own, so that neither needs the main
 * thread: it may be blocked, which is when somebody looks. Everything here is plain data.
 */
import type { FileReport } from '../collector-protocol.ts';
import type { FlightFileResult } from '../flight/files.ts';
import type { TraceOutput } from '../trace-output.ts';

/** A frame: function or name, file and line; '' and 0 where there is none. */
export type DebugFrame = readonly [name: string, file: string, line: number];

/** Stacks that were counted, with how often and for how long. Figures only grow. */
export interface CountedStack {
  /** Innermost first. */
  readonly frames: readonly DebugFrame[];
  readonly thread: string;
  readonly task: string;
  readonly region: string;
  readonly count: number;
  readonly nanos: number;
}

/** A task. */
export interface DebugTask {
  readonly id: number;
  readonly name: string;
  /** Id of the task that it is a part of, 0 for none. */
  readonly parent: number;
  /** Of OpenTelemetry, '' where the task has none. */
  readonly traceId: string;
  readonly spanId: string;
}

/** Something that has begun and not ended: a task, a region of an async function, a wait, a request, … */
export interface LiveOperation {
  readonly name: string;
  /** Of the vocabulary, such as `task` or `wait`. */
  readonly category: string;
  /** The task that it belongs to, and those around that, innermost first. */
  readonly tasks: readonly string[];
  readonly ageNanos: number;
}

/** What is known at one moment. */
export interface DebugSnapshot {
  /** Blocked event loops since the recorder began, with those that are blocked now. */
  readonly blocks: readonly CountedStack[];
  /** Waits that have ended. */
  readonly waits: readonly CountedStack[];
  readonly live: readonly LiveOperation[];
  /** Names of threads by their ids. */
  readonly threads: ReadonlyMap<number, string>;
}

/** In what samples were taken. */
export interface SampleLabels {
  /** Names of regions; '' for none. */
  readonly regions: readonly string[];
  /** Ids of tasks; 0 for none. */
  readonly tasks: readonly number[];
  /** 1 where the thread was stopped in a wait. */
  readonly waits: Uint8Array;
}

/** Labels by thread id, and the tasks that are named in them. */
export interface LabelledSamples {
  readonly threads: ReadonlyMap<number, SampleLabels>;
  readonly tasks: ReadonlyMap<number, DebugTask>;
}

/** A wish, answered by a `DebugReply` with the same id. */
export type DebugRequest = { readonly id: number } & DebugWish;

export type DebugWish =
  | { readonly kind: 'open-capture'; readonly fd: number; readonly output: TraceOutput }
  | { readonly kind: 'close-capture' }
  | { readonly kind: 'write-window'; readonly file: string; readonly output: TraceOutput }
  /** From now on it is remembered which regions threads were in. */
  | { readonly kind: 'begin-labels' }
  /** @param times of samples by thread id: nanoseconds of `process.hrtime`, ascending. */
  | { readonly kind: 'end-labels'; readonly times: ReadonlyMap<number, Float64Array> }
  | { readonly kind: 'snapshot' };

export interface DebugReplies {
  readonly 'open-capture': undefined;
  readonly 'close-capture': FileReport | undefined;
  /** undefined when no flight recorder runs. */
  readonly 'write-window': FlightFileResult | undefined;
  readonly 'begin-labels': undefined;
  readonly 'end-labels': LabelledSamples;
  readonly snapshot: DebugSnapshot;
}

export interface DebugReply {
  readonly id: number;
  readonly answer: DebugReplies[DebugWish['kind']];
}
