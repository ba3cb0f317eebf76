/**
 * When a span began and ended, on the recorder's clock. OpenTelemetry's SDK for JavaScript begins spans on whole milliseconds of
 * the wall clock, so that children would often end after their parents; what counts here is when it told us of the begin and the
 * end. Only times that the program gave itself, for something that lies in the past, are taken from the span.
 */
import { now } from '@ttrace/sdk/spans';
import type { EndedSpan, HrTime } from './ended-span.ts';

/** The wall clock is read in whole milliseconds, and may be corrected a little in between. */
const TOLERANCE_MS = 2;

/**
 * Begin of a span that begins just now, in milliseconds of the thread's clock.
 * @param parentStart That of its parent, if that is known: no child begins a little before it.
 */
export function startOf({ startTime }: EndedSpan, parentStart: number): number {
  const time = now();
  const ago = Date.now() - millisOf(startTime);
  if (Math.abs(ago) <= TOLERANCE_MS) return time;
  // A time that was given, or somebody held the thread up since the SDK took its own.
  const start = time - ago;
  return start < parentStart && parentStart - start <= TOLERANCE_MS ? parentStart : start;
}

/**
 * End of a span that ends just now, whose begin `startOf` gave.
 * @param childEnd The latest end of its children, if one is known: none ends a little after it.
 */
export function endOf(span: EndedSpan, start: number, childEnd: number): number {
  const time = now();
  const told = millisOf(span.endTime) - millisOf(span.startTime);
  // Both lasted as long: no time was given, or that of now.
  if (Math.abs(told - (time - start)) <= TOLERANCE_MS) return time;
  // One that was given, or other processors took their time.
  const end = Math.max(start, Math.min(time, start + told));
  return end < childEnd && childEnd - end <= TOLERANCE_MS ? childEnd : end;
}

function millisOf([seconds, nanos]: HrTime): number {
  return seconds * 1000 + nanos / 1e6;
}
