/** Times and counts as pages and URLs show them; `parseTime` of @ttrace/format reads them back. */

/** A time as a page shows it: three to four significant digits and the unit that fits. */
export function formatTime(nanos: number): string {
  const size = Math.abs(nanos);
  if (size >= 120e9) return `${Math.floor(nanos / 60e9)} min ${Math.round((nanos % 60e9) / 1e9)} s`;
  if (size >= 1e9) return `${(nanos / 1e9).toPrecision(4)} s`;
  if (size >= 1e6) return `${(nanos / 1e6).toPrecision(4)} ms`;
  if (size >= 1e3) return `${(nanos / 1e3).toPrecision(4)} µs`;
  return `${Math.round(nanos)} ns`;
}

/** A time as the timeline's URLs carry it: seconds, exact to the nanosecond. Not below 0. */
export function timeInUrl(nanos: number): string {
  return decimal(nanos, 9);
}

/** A time as people type it, in the unit that fits, exact to the nanosecond: `1.5s`, `300ms`, `12.345us`. Not below 0. */
export function exactTime(nanos: number): string {
  if (nanos >= 1e9) return `${decimal(nanos, 9)}s`;
  if (nanos >= 1e6) return `${decimal(nanos, 6)}ms`;
  return nanos >= 1e3 ? `${decimal(nanos, 3)}us` : `${decimal(nanos, 0)}ns`;
}

/** A whole number with the decimal point moved to the left, without zeros at its end. */
function decimal(nanos: number, places: number): string {
  const digits = String(Math.round(nanos)).padStart(places + 1, '0');
  const at = digits.length - places;
  const fraction = digits.slice(at).replace(/0+$/, '');
  return fraction === '' ? digits.slice(0, at) : `${digits.slice(0, at)}.${fraction}`;
}

/** A count with separators, in one locale whatever the machine's. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
