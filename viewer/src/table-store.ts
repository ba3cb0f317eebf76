/**
 * The tables that pages show of one trace: made when asked for and kept for a while, so that the next page, another order or a file of the
 * same rows costs nothing. Bounded by number and by rows; what was asked for last stays.
 */
import {
  type Column,
  type Filter,
  type StateTimes,
  sortedBy,
  type Table,
  type TraceIndex,
  usedColumns,
} from '@ttrace/analysis';
import { printPageQuery } from './filter-query.ts';
import type { TablePage } from './table-pages.ts';

/** A table in some order, with the columns that say something. */
export interface KeptTable {
  readonly table: Table<unknown>;
  readonly columns: readonly Column<unknown>[];
  /** The longest time that a row's states add up to, in nanoseconds; 0 where rows have none. */
  readonly longestStates: number;
}

const MAX_TABLES = 32;
const MAX_ROWS = 2_000_000;

export class TableStore {
  readonly pages: readonly TablePage[];
  readonly #index: () => TraceIndex;
  /** The one asked for last is last. */
  readonly #kept = new Map<string, KeptTable>();
  readonly #counts = new Map<string, number>();
  #isCounting = false;

  /** @param index is asked for with the first table, not before. */
  constructor(pages: readonly TablePage[], index: () => TraceIndex) {
    this.pages = pages;
    this.#index = index;
  }

  /** A table with its own order. */
  get(page: TablePage, filter: Filter): KeptTable {
    return this.#keep(`${page.id}${printPageQuery({ filter })}`, () => {
      const table = page.table(this.#index(), filter);
      return { table, columns: usedColumns(table), longestStates: longestStates(table) };
    });
  }

  /** A table by a column. Undefined when it has no such column. */
  sorted(
    page: TablePage,
    filter: Filter,
    sort: string | undefined,
    order: 'up' | 'down' | undefined,
  ): KeptTable | undefined {
    const kept = this.get(page, filter);
    if (sort === undefined) return kept;
    if (!kept.table.columns.some(({ id }) => id === sort)) return undefined;
    return this.#keep(`${page.id}${printPageQuery({ filter, sort, order })}`, () => ({
      ...kept,
      table: { ...kept.table, rows: sortedBy(kept.table, sort, order) ?? kept.table.rows },
    }));
  }

  /** Rows of a whole table, where that is known already. */
  countOf(id: string): number | undefined {
    return this.#counts.get(id);
  }

  /** Counts the rows of every table, one at a time so that pages are answered in between. Harmless twice. */
  startCounting(): void {
    if (this.#isCounting) return;
    this.#isCounting = true;
    const waiting = this.pages.filter(({ isEach }) => !isEach);
    const next = (): void => {
      const page = waiting.shift();
      if (page === undefined) return;
      try {
        this.countRows(page);
      } catch {
        // Its own page will say so.
      }
      setImmediate(next);
    };
    setImmediate(next);
  }

  /** Counts the rows of one table now. */
  countRows(page: TablePage): number {
    const known = this.#counts.get(page.id);
    if (known !== undefined) return known;
    const count = this.get(page, {}).table.rows.length;
    this.#counts.set(page.id, count);
    return count;
  }

  #keep(key: string, make: () => KeptTable): KeptTable {
    const known = this.#kept.get(key);
    this.#kept.delete(key);
    const kept = known ?? make();
    this.#kept.set(key, kept);
    if (known === undefined) this.#forget(key);
    return kept;
  }

  /** Lets go of what was asked for longest ago, but never of the newest. */
  #forget(newest: string): void {
    let rows = 0;
    for (const { table } of this.#kept.values()) rows += table.rows.length;
    for (const [key, { table }] of this.#kept) {
      if ((this.#kept.size <= MAX_TABLES && rows <= MAX_ROWS) || key === newest) return;
      this.#kept.delete(key);
      rows -= table.rows.length;
    }
  }
}

function longestStates({ rows, statesOf }: Table<unknown>): number {
  let longest = 0;
  if (statesOf === undefined) return longest;
  for (const row of rows) longest = Math.max(longest, statesTotal(statesOf(row)));
  return longest;
}

/** Nanoseconds in all states together. */
export function statesTotal({ byState }: StateTimes): number {
  return byState.reduce((sum, time) => sum + time, 0);
}
