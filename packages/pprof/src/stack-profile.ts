/**
 * What a pprof file is made from: stacks with values. The profiles of `@ttrace/analysis` have this shape, and so can any other: it is
 * described here by itself, so that this package needs neither the trace nor its analysis.
 */

/** What a value is: `contentions` in `count`, `delay` in `nanoseconds`. */
export interface ValueType {
  readonly type: string;
  readonly unit: string;
}

export interface StackFrame {
  readonly name: string;
  /** Path or URL of the source; '' where there is none. `file://` URLs become paths, by which `pprof -list` finds the source. */
  readonly file: string;
  /** From 1; 0 where it is not known. */
  readonly line: number;
}

export interface StackSample {
  /** Indices into the profile's frames, innermost first. */
  readonly stack: readonly number[];
  /** As many as the profile has types of values; each is rounded to a whole number. */
  readonly values: readonly number[];
  /** Labels by name, as `pprof -tagfocus` takes them; '' is no label. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface StackProfile {
  readonly valueTypes: readonly ValueType[];
  /** What is measured between two samples, and how much of it. A profile that has every event: 1 of the first type of values. */
  readonly periodType?: ValueType;
  readonly period?: number;
  readonly frames: readonly StackFrame[];
  readonly samples: readonly StackSample[];
  /** Begin, in nanoseconds since 1970; 0 where it is not known. */
  readonly timeNanos: bigint;
  readonly durationNanos: number;
  /** What whoever reads it should know: `pprof -comments`. */
  readonly comments?: readonly string[];
  /** What pprof shows as the file: the program's name. */
  readonly program: string;
}
