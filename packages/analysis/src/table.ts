/**
 * A table: rows of plain facts and columns that say what they mean. Commands print one as text, JSON, CSV and Markdown, pages show it as
 * HTML; none of them knows what it is about. What a figure is and how it comes about is said once, in its column's `help`.
 */

import type { Filter } from './filter.ts';
import type { Histogram } from './histogram.ts';
import type { TaskOverview } from './task-overview.ts';
import type { StateTimes } from './thread-states.ts';

/** What a cell holds, which decides how people see it; programs get the number as it is. */
export type Unit =
  | 'text'
  | 'count'
  /** A duration in nanoseconds. */
  | 'nanos'
  /** A moment, in nanoseconds since the first event. */
  | 'time'
  | 'bytes'
  /** Part of one. */
  | 'share'
  /** A number a second. */
  | 'rate'
  | 'number';

export type Cell = string | number | undefined;

export interface Column<Row> {
  /** Name in JSON, CSV and `sort`; ends in the unit where it has one: `totalNanos`. Unique in its table. */
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  /** What the figure is and how it comes about, in a sentence. */
  readonly help: string;
  /** Undefined: not known. */
  of(row: Row): Cell;
  /** Whether 0 in every row says something. Columns that say nothing are left out. */
  readonly saysZero?: boolean;
  /** Whether pages fold it: a text for those who open it, such as a stack. */
  readonly isFolded?: boolean;
  /** What else there is to know about what the cell names. */
  linkOf?(row: Row): TableLink | undefined;
}

/** A stretch of the timeline, in nanoseconds since the first event. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Rows of a table: those that a filter lets through. */
export interface TableLink {
  /** Id of a table, or `ID/each` for the same things one by one. */
  readonly page: string;
  /** In `ID/each` of the table that links to it on top of that table's own filter. */
  readonly filter: Filter;
}

/** A table about the same. */
export interface RelatedTable extends TableLink {
  readonly title: string;
}

/** Methods, not functions in fields: so any table is a `Table<unknown>` to those that only show it. */
export interface Table<Row> {
  /** Also the name of the command and of the page that show it. */
  readonly id: string;
  readonly title: string;
  /** What it answers and how to read it; a few sentences. */
  readonly help: string;
  readonly columns: readonly Column<Row>[];
  /** Sorted already, the worst first. */
  readonly rows: readonly Row[];
  /** Where a row is to be seen on the timeline. */
  spanOf?(row: Row): Span | undefined;
  /** What a row sums up, or what there is to know about it on another page. */
  linkOf?(row: Row): TableLink | undefined;
  /**
   * The durations that a row sums up. With `linkOf` each bucket is a link to its rows: with `min` and `max` of a bucket on top of its filter
   * that table must have exactly as many rows as the bucket counts.
   */
  histogramOf?(row: Row): Histogram | undefined;
  /** How a row's time was spent: pages draw it as a bar. */
  statesOf?(row: Row): StateTimes;
  /** The task that the table is about, if it is about one. */
  readonly task?: TaskOverview | undefined;
  /** Its rows for those who read them as text: what is too small to matter is one row. Files have all. */
  inShort?(): readonly Row[];
  /** A small table that stands beside this one, for people; made when asked for. */
  aside?(): Table<unknown> | undefined;
  /** What the trace cannot tell, if that makes the table poorer than it could be. */
  readonly note?: string;
  /** Other tables about the same. */
  readonly related?: readonly RelatedTable[];
}

/**
 * Rows sorted by a column: numbers from the largest, texts from A, unknown ones last; of equal ones the order stays.
 * @param order 'up' and 'down' turn that around or state it.
 * @returns undefined when the table has no such column.
 */
export function sortedBy<Row>(
  { columns, rows }: Table<Row>,
  columnId: string,
  order?: 'up' | 'down',
): readonly Row[] | undefined {
  const column = columns.find(({ id }) => id === columnId);
  if (column === undefined) return undefined;
  const isUp = order === undefined ? column.unit === 'text' : order === 'up';
  const sign = isUp ? 1 : -1;
  return rows
    .map((row) => ({ row, cell: column.of(row) }))
    .sort((a, b) => {
      if (a.cell === undefined || b.cell === undefined) {
        return Number(a.cell === undefined) - Number(b.cell === undefined);
      }
      return a.cell === b.cell ? 0 : a.cell < b.cell ? -sign : sign;
    })
    .map(({ row }) => row);
}
