/** A profile that was taken, with what its file says about it. */
import type { BuiltProfile, ValueTypes } from './profile-builder.ts';

export interface TakenProfile extends BuiltProfile {
  readonly valueTypes: ValueTypes;
  /** What is measured between two samples, and how much of it. */
  readonly periodType: ValueTypes[number];
  readonly period: number;
  /** Milliseconds since 1970. */
  readonly beginMillis: number;
  readonly durationNanos: number;
  /** What whoever reads it should know. */
  readonly comments: readonly string[];
}
