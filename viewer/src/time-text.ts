/** Times in URLs and on pages: text to nanoseconds and back. */
import { asNanos, type Nanos } from '@ttrace/format';

const UNITS: Readonly<Record<string, number>> = { s: 1e9, ms: 1e6, us: 1e3, µs: 1e3, ns: 1 };

/**
 * Reads a time such as `1.25`, `1.25s`, `300ms`, `20us` or `7ns`; without a unit it means seconds.
 *
 * Returns undefined for anything else, also for negative and infinite times.
 */
export function parseTime(text: string): Nanos | undefined {
  const match = /^\s*\+?(\d+(?:\.\d*)?|\.\d+)(?:e([+-]?\d{1,2}))?\s*(s|ms|us|µs|ns)?\s*$/i.exec(text);
  if (match === null) return undefined;
  const nanos = Math.round(Number(`${match[1]}e${match[2] ?? 0}`) * UNITS[(match[3] ?? 's').toLowerCase()]!);
  return Number.isSafeInteger(nanos) ? asNanos(nanos) : undefined;
}

/** A time as a page shows it: three to four significant digits and the unit that fits. */
export function formatTime(nanos: number): string {
  const size = Math.abs(nanos);
  if (size >= 120e9) return `${Math.floor(nanos / 60e9)} min ${Math.round((nanos % 60e9) / 1e9)} s`;
  if (size >= 1e9) return `${(nanos / 1e9).toPrecision(4)} s`;
  if (size >= 1e6) return `${(nanos / 1e6).toPrecision(4)} ms`;
  if (size >= 1e3) return `${(nanos / 1e3).toPrecision(4)} µs`;
  return `${Math.round(nanos)} ns`;
}

/** A time as our URLs carry it: seconds, exact to the nanosecond. */
export function timeInUrl(nanos: number): string {
  return (nanos / 1e9).toFixed(9).replace(/\.?0+$/, '');
}

/** A count with separators, in one locale whatever the machine's. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
