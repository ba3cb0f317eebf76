/**
 * Times of the wall clock for spans, to the nanosecond and never backwards: `process.hrtime` from one point of both clocks on, the same
 * for all threads of the process. What the SDK takes by itself are whole milliseconds, and a float of milliseconds since 1970 has
 * steps of 244 ns.
 */
import { performance } from 'node:perf_hooks';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import type { HrTime } from './ended-span.ts';

const KEY = 'ttrace/otel-clock';
/** Beyond this the wall clock has been set since the process began. */
const MAX_DRIFT_MS = 2;

/** What to add to `process.hrtime`: whole seconds, and nanoseconds from 0 on. */
let offset: HrTime | undefined;

/** Now. */
export function wallTime(): [number, number] {
  offset ??= clockOffset();
  const [seconds, nanos] = process.hrtime();
  const sum = nanos + offset[1];
  return sum >= 1e9 ? [seconds + offset[0] + 1, sum - 1e9] : [seconds + offset[0], sum];
}

function clockOffset(): HrTime {
  const known = getEnvironmentData(KEY);
  if (Array.isArray(known)) return known as unknown as HrTime;
  const monotonic = process.hrtime.bigint();
  const precise = performance.timeOrigin + performance.now();
  const rough = Date.now();
  const millis = Math.abs(precise - rough) <= MAX_DRIFT_MS ? precise : rough;
  const nanos = BigInt(Math.round(millis * 1000)) * 1000n - monotonic;
  const seconds = nanos / 1_000_000_000n;
  const made: HrTime = [Number(seconds), Number(nanos - seconds * 1_000_000_000n)];
  setEnvironmentData(KEY, made as never);
  return made;
}
