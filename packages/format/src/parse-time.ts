/** Reads the times that people write, on a command line and in URLs. */
import { asNanos, type Nanos } from './nanos.ts';

/** Decimal places from the unit down to the nanosecond. */
const PLACES: Readonly<Record<string, number>> = { s: 9, ms: 6, us: 3, µs: 3, ns: 0 };

/**
 * Reads a time such as `1.25`, `1.25s`, `300ms`, `20us` or `7ns`; without a unit it means seconds.
 *
 * Returns undefined for anything else, also for negative and infinite times.
 */
export function parseTime(text: string): Nanos | undefined {
  const match = /^\s*\+?(\d+(?:\.\d*)?|\.\d+)(?:e([+-]?\d{1,2}))?\s*(s|ms|us|µs|ns)?\s*$/i.exec(text);
  if (match === null) return undefined;
  const exponent = Number(match[2] ?? 0) + PLACES[(match[3] ?? 's').toLowerCase()]!;
  // The decimal point moves in the text: a multiplication would round once more.
  const nanos = Math.round(Number(`${match[1]}e${exponent}`));
  return Number.isSafeInteger(nanos) ? asNanos(nanos) : undefined;
}
