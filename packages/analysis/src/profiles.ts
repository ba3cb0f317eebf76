/** The profiles of a trace: what there are, what their figures mean, and how each is made. */
import { addBlocks } from './block-profile.ts';
import { addSamples } from './cpu-profile.ts';
import { type Filter, stretchOf } from './filter.ts';
import { addMessages } from './message-profile.ts';
import type { Profile, ProfileType, ValueType } from './profile.ts';
import { ProfileBuilder } from './profile-builder.ts';
import { RegionClip } from './region-clip.ts';
import type { TraceIndex } from './trace-index.ts';
import { addWaits } from './wait-profile.ts';

/** Which part of a trace a profile is of. */
export interface ProfileOptions {
  readonly filter?: Filter | undefined;
  /** Counts only time within regions of this name; regions that overlap or nest count once. */
  readonly region?: string | undefined;
}

export interface ProfileQuestion {
  readonly type: ProfileType;
  readonly title: string;
  /** What it answers, in a line. */
  readonly summary: string;
  /** What its figures are and how they come about; a few sentences. */
  readonly help: string;
  /** What it counts beside the time, for people: one of them. */
  readonly noun: string;
}

/** In the order in which pages and help list them. */
export const PROFILES: readonly ProfileQuestion[] = [
  {
    type: 'block',
    title: 'Blocked event loops',
    summary: 'What kept event loops from going on',
    help:
      'Each block of an event loop (a turn of over 20 ms by default) counts once, with the time from its begin to its end, on the stack that ' +
      'the recorder saw in it. A block that was seen with several stacks is divided among them by the time between the sightings.',
    noun: 'block',
  },
  {
    type: 'mutex',
    title: 'Locks and other waits',
    summary: 'Waits for locks, Atomics.wait, channels and pools',
    help:
      'Each wait counts once, with the time from its begin to its end. The innermost frame is the wait; around it are the regions and other slices ' +
      'that were open on its thread, or, of an asynchronous wait, its task. Of a wait inside another the time counts for the inner one.',
    noun: 'wait',
  },
  {
    type: 'message',
    title: 'Messages between threads',
    summary: 'How long messages were on their way, by sender and receiver',
    help:
      'Each message that was received counts once for each receiver, with the time from the begin of its sending to the begin of its receiving. ' +
      'The innermost frame is the way, sender → receiver; around it are the slices that were open on the sending thread.',
    noun: 'message',
  },
  {
    type: 'cpu',
    title: 'CPU samples',
    summary: 'Which functions the processor was in',
    help:
      'Time between samples, on the stack that the earlier one found: each moment counts once, for the innermost function. Samples that follow ' +
      'each other and find the same stack are counted as one. Recorded with --sources samples.',
    noun: 'stack',
  },
];

const ADD = { block: addBlocks, mutex: addWaits, message: addMessages, cpu: addSamples } as const;

const CONTENTIONS: readonly [ValueType, ValueType] = [
  { type: 'contentions', unit: 'count' },
  { type: 'delay', unit: 'nanoseconds' },
];
const SAMPLES: readonly [ValueType, ValueType] = [
  { type: 'samples', unit: 'count' },
  { type: 'cpu', unit: 'nanoseconds' },
];

/**
 * Makes a profile of what a filter lets through, as it does in tables. What lasts over an end of a region counts with the part inside, of CPU
 * samples also what lasts over an end of the filter's stretch; what has no end in the trace lasts until the trace's. Linear in the
 * number of rows but for sorting what is on one track.
 */
export function profileOf(
  index: TraceIndex,
  type: ProfileType,
  { filter = {}, region }: ProfileOptions = {},
): Profile {
  const builder = new ProfileBuilder(index);
  const stretch = stretchOf(index, filter);
  // What one counts is in or out, as in tables; samples may be cut anywhere.
  ADD[type](index, filter, new RegionClip(index, region, type === 'cpu' ? stretch : undefined), builder);
  const start = Math.max(stretch.start, index.start);
  return {
    type,
    ...(type === 'cpu'
      ? { valueTypes: SAMPLES, periodType: SAMPLES[1] }
      : { valueTypes: CONTENTIONS, periodType: CONTENTIONS[0] }),
    ...builder.finish(),
    timeNanos: wallNanos(index, start),
    durationNanos: Math.max(0, Math.min(stretch.end, index.end) - start),
    program: index.trace.processes[0]?.name ?? '',
  };
}

/** A moment of the trace in nanoseconds since 1970, 0 where the trace does not tell. */
function wallNanos({ trace: { clock, origin } }: TraceIndex, time: number): bigint {
  if (clock === undefined) return 0n;
  const wall = BigInt(Math.round(clock.wallMillis * 1e6));
  return wall + origin + BigInt(Math.round(time)) - clock.monotonicNanos;
}
