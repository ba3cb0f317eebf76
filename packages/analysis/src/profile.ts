/**
 * A profile: where time went, as stacks with values, in the form that pprof files, flame graphs and collapsed stacks are made from.
 * Frames stand once each, stacks are their numbers, and what happened again on one stack under the same labels is added up.
 */
import type { Frame } from './stack-frame.ts';

export type ProfileType = 'block' | 'mutex' | 'message' | 'cpu';

/** What a number of a profile counts, in pprof's words. */
export interface ValueType {
  readonly type: string;
  readonly unit: string;
}

/** Where and in what a sample was taken; '' for what there is none of. A type, not an interface: so it is also a record of texts. */
export type ProfileLabels = {
  /** Name of the thread. */
  readonly thread: string;
  /** Name of the task. */
  readonly task: string;
  /** Name of the innermost region. */
  readonly region: string;
};

/** All that happened on one stack under the same labels. */
export interface ProfileSample {
  /** Indices into the profile's frames, innermost first. */
  readonly stack: readonly number[];
  readonly values: readonly [count: number, nanos: number];
  readonly labels: ProfileLabels;
}

export interface Profile {
  readonly type: ProfileType;
  /** What the two values of each sample are. */
  readonly valueTypes: readonly [ValueType, ValueType];
  /** What is measured from one sample to the next. */
  readonly periodType: ValueType;
  readonly frames: readonly Frame[];
  /** The longest first. */
  readonly samples: readonly ProfileSample[];
  /** Sums over all samples. */
  readonly count: number;
  readonly nanos: number;
  /** The stretch that the profile is of: nanoseconds since 1970, 0 where the trace does not tell, and how long it is. */
  readonly timeNanos: bigint;
  readonly durationNanos: number;
  /** The program, as the trace names its first process. */
  readonly program: string;
}
