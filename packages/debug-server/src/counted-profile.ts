/** Makes a profile of stacks that the recorder has counted. */
import type { CountedStack } from '@ttrace/sdk/debug';
import { type BuiltProfile, ProfileBuilder, type ValueTypes } from './profile-builder.ts';

export const CONTENTION_TYPES: ValueTypes = [
  { type: 'contentions', unit: 'count' },
  { type: 'delay', unit: 'nanoseconds' },
];

export function countedProfile(stacks: readonly CountedStack[]): BuiltProfile {
  const builder = new ProfileBuilder();
  for (const { frames, thread, task, region, count, nanos } of stacks) {
    const stack = frames.map(([name, file, line]) => builder.frame(name, file, line));
    builder.add(stack, [count, Math.round(nanos)], { thread, task, region });
  }
  return builder.finish();
}
