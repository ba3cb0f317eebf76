/** Numbers for people: times, bytes, counts and shares, each with its unit. */

const TIME_UNITS = [
  { unit: 's', nanos: 1e9 },
  { unit: 'ms', nanos: 1e6 },
  { unit: 'µs', nanos: 1e3 },
] as const;

const BYTE_UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A duration with three significant digits or more: `250 ns`, `1.50 µs`, `12.3 ms`, `4821 s`. */
export function timeText(nanos: number): string {
  for (const { unit, nanos: one } of TIME_UNITS) {
    if (Math.abs(nanos) >= one) return `${threeDigits(nanos / one)} ${unit}`;
  }
  return `${Math.round(nanos)} ns`;
}

/** A size: `17 B`, `1.50 KiB`, `12.3 MiB`. */
export function bytesText(bytes: number): string {
  let size = bytes;
  let unit = 'B';
  for (const next of BYTE_UNITS) {
    if (size < 1024) break;
    size /= 1024;
    unit = next;
  }
  return unit === 'B' ? `${size} B` : `${threeDigits(size)} ${unit}`;
}

/** A whole number with groups of three: `1,234,567`. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A share of one in percent: `12.3 %`. */
export function shareText(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** A count and its noun: `1 task`, `2 tasks`. */
export function counted(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A number of unknown meaning, such as a counter's value: at most six significant digits. */
export function valueText(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

function threeDigits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}
