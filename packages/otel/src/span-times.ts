/**
 * When a span began and ended, on the recorder's clock. OpenTelemetry's SDK for JavaScript begins spans on whole milliseconds of
 * the wall clock, so that children would often end after their parents; what counts here is when it told us of the begin and the
 * end. Only times that the program gave itself, for something that lies in the past, are taken from the span.
 */
import { now } from '@ttrace/sdk/spans';
import type { EndedSpan, HrTime } from './ended-span.ts';

/** The wall clock is read in whole milliseconds, and may be corrected a little in between. */
const TOLERANCE_MS = 2;

/** Begin of a span that begins just now, in milliseconds of the thread's clock. */
export function startOf({ startTime }: EndedSpan): number {
  const time = now();
  const ago = Date.now() - millisOf(startTime);
  return Math.abs(ago) > TOLERANCE_MS ? time - ago : time;
}

/** End of a span that ends just now, whose begin `startOf` gave. */
export function endOf(span: EndedSpan, start: number): number {
  const time = now();
  const own = time - start;
  const told = millisOf(span.endTime) - millisOf(span.startTime);
  // Both lasted as long: no time was given, or that of now.
  if (Math.abs(told - own) <= TOLERANCE_MS) return time;
  const ago = Date.now() - millisOf(span.endTime);
  return Math.abs(ago) > TOLERANCE_MS ? Math.max(start, time - ago) : time;
}

function millisOf([seconds, nanos]: HrTime): number {
  return seconds * 1000 + nanos / 1e6;
}
