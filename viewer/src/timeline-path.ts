/** The address of a stretch of the timeline: what every table of every page links to. */
import { timeInUrl } from './time-text.ts';

/** A stretch of time in nanoseconds since the trace's first event. */
export interface TimeSpan {
  readonly start: number;
  readonly end: number;
}

/** Path and query of the timeline, zoomed to a stretch or, without one, whole. */
export function timelinePath(span?: TimeSpan): string {
  if (span === undefined) return '/timeline';
  return `/timeline?start=${timeInUrl(span.start)}&end=${timeInUrl(span.end)}`;
}
