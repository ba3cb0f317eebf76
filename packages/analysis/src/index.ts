/** Pure functions from a trace to answers. */
export { type BlockStats, blockStats } from './blocks.ts';
export type { CounterStats } from './counter-stats.ts';
export { type NameStats, percentile, statsByName } from './name-stats.ts';
export { type EventCount, type LostPart, type Summary, summarize } from './summary.ts';
export { type ThreadActivity, threadActivity } from './thread-activity.ts';
export { type FiredTrigger, firedTriggers } from './triggers.ts';
