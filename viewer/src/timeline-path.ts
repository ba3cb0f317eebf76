/** The address of a stretch of the timeline: what every table of every page links to. */
import { timeInUrl } from './time-text.ts';

/** A stretch of time in nanoseconds since the trace's first event. */
export interface TimeSpan {
  readonly start: number;
  readonly end: number;
}

/** What is shorter than this, such as a moment, is shown with its surroundings. */
const SHORTEST_NANOS = 1000;
const SURROUNDINGS_NANOS = 500_000;

/** Path and query of the timeline, zoomed to a stretch or, without one, whole. */
export function timelinePath(span?: TimeSpan): string {
  if (span === undefined) return '/timeline';
  const margin = span.end - span.start < SHORTEST_NANOS ? SURROUNDINGS_NANOS : 0;
  const start = Math.max(0, span.start - margin);
  return `/timeline?start=${timeInUrl(start)}&end=${timeInUrl(Math.max(start, span.end) + margin)}`;
}

/** Path and query of a timeline of one task alone, with all tasks below it. @param task its number. */
export function taskTimelinePath(task: number): string {
  return `/timeline?task=${task}`;
}
