/**
 * Decimal microseconds to whole microseconds and nanoseconds without going through a double, which would round an epoch
 * time to a quarter of a microsecond. The slow, general way: JsonEvent parses the usual `123.456` itself.
 */

const DECIMAL = /^\s*([-+]?)(\d*)(?:\.(\d*))?(?:[eE]([-+]?\d+))?\s*$/;

/** Times further from 0 than this many microseconds (285 years) are taken as this. */
const MAX_MICROS = Number.MAX_SAFE_INTEGER;

/** A time as its two parts, both with its sign: micros * 1000 + nanos nanoseconds. */
export interface DecimalTime {
  readonly micros: number;
  readonly nanos: number;
}

/** Parses microseconds such as `12`, `-1.5`, `1.507948892012e9`; undefined when the text is no number. Rounds to 1 ns. */
export function parseDecimalTime(text: string): DecimalTime | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  const factor = sign === '-' ? -1 : 1;
  const digits = whole + fraction;
  if (/^0*$/.test(digits)) return { micros: 0, nanos: 0 };
  // Digits before the point once the exponent is applied. Beyond 10^30 nothing but the bound below matters.
  const point = whole.length + Math.max(-1e6, Math.min(1e6, Number(exponent)));
  if (point < -3) return { micros: 0, nanos: 0 };
  if (point - (digits.length - digits.replace(/^0+/, '').length) > 30)
    return { micros: factor * MAX_MICROS, nanos: 0 };
  const padded = point <= 0 ? '0'.repeat(-point) + digits : digits.padEnd(point, '0');
  const before = point <= 0 ? '' : padded.slice(0, point);
  const after = (point <= 0 ? padded : padded.slice(point)).padEnd(4, '0');
  const micros = Math.min(MAX_MICROS, Number(before));
  const nanos = Number(after.slice(0, 3)) + (after.charCodeAt(3) >= 0x35 ? 1 : 0);
  // `+ 0` turns -0 into 0.
  return { micros: factor * micros + 0, nanos: factor * nanos + 0 };
}
