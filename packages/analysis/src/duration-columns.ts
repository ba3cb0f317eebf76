/** Columns of things that happened many times: how often, and how long they took. */
import { percentile } from './name-stats.ts';
import type { Column } from './table.ts';

/** Durations under one name. */
export interface WithDurations {
  /** Of those that have ended, in nanoseconds, sorted. */
  readonly durations: Float64Array;
  readonly unfinished: number;
}

/** A number of each, in ascending order: of millions of rows several times as fast as `Float64Array.from` and `sort`. */
export function sortedNumbers<T>(of: ArrayLike<T>, numberOf: (each: T) => number): Float64Array {
  const numbers = new Float64Array(of.length);
  let isSorted = true;
  let last = -Infinity;
  for (let at = 0; at < of.length; at++) {
    const number = numberOf(of[at]!);
    numbers[at] = number;
    if (number < last) isSorted = false;
    last = number;
  }
  return isSorted ? numbers : numbers.sort();
}

/**
 * Count, total, mean, percentiles and maximum.
 * @param what what is counted, in the plural, for the help texts.
 */
export function durationColumns<Row extends WithDurations>(what: string): Column<Row>[] {
  const nanos = (
    id: string,
    title: string,
    help: string,
    of: (durations: Float64Array) => number,
  ): Column<Row> => ({
    id,
    title,
    unit: 'nanos',
    help,
    of: ({ durations }) => (durations.length === 0 ? undefined : of(durations)),
  });
  const rank = (p: number): Column<Row> =>
    nanos(
      `p${p}Nanos`,
      `p${p}`,
      `${p} % of those that have ended took no longer (nearest rank).`,
      (durations) => percentile(durations, p),
    );
  return [
    {
      id: 'count',
      title: 'Count',
      unit: 'count',
      help: `How many ${what}, with and without an end.`,
      of: ({ durations, unfinished }) => durations.length + unfinished,
    },
    {
      id: 'unfinished',
      title: 'Unfinished',
      unit: 'count',
      help: `Of these, ${what} that have no end in the trace. Their time counts in no other column.`,
      of: ({ unfinished }) => unfinished,
    },
    nanos('totalNanos', 'Total', `Sum of the time of all ${what} that have ended.`, sumOf),
    nanos(
      'meanNanos',
      'Mean',
      'Total divided by the number of those that have ended.',
      (durations) => sumOf(durations) / durations.length,
    ),
    rank(50),
    rank(95),
    rank(99),
    nanos('maxNanos', 'Max', 'The longest one.', (durations) => durations[durations.length - 1]!),
  ];
}

/** Sum of durations. */
export function sumOf(durations: Float64Array): number {
  let sum = 0;
  for (const duration of durations) sum += duration;
  return sum;
}
