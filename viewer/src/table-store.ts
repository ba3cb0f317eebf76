/**
 * The tables that pages show of one trace: made when asked for and kept for a while, so that the next page, another order or a file of the
 * same rows costs nothing. Bounded by number and by rows; what was asked for last stays.
 */
import {
  type Column,
  type Filter,
  findingSteps,
  type StateTimes,
  sortedBy,
  type Table,
  type TraceIndex,
  threadTimeline,
  usedColumns,
  whereRows,
} from '@ttrace/analysis';
import { printPageQuery, type QueryComplaints } from './filter-query.ts';
import type { TablePage } from './table-pages.ts';
import { utilizationSteps } from './utilization-routes.tsx';

/** A table in some order, with the columns that say something. */
export interface KeptTable {
  readonly table: Table<unknown>;
  readonly columns: readonly Column<unknown>[];
  /** The longest time that a row's states add up to, in nanoseconds; 0 where rows have none. */
  readonly longestStates: number;
}

const MAX_TABLES = 32;
const MAX_ROWS = 2_000_000;
/** Long enough for what came in meanwhile to be answered. */
const PAUSE_MS = 10;
const FIRST_PAUSE_MS = 200;
/** Pages whose tables need much that others need too. */
const PREPARED: ReadonlySet<string> = new Set(['lint', 'critical-path']);

export class TableStore {
  readonly pages: readonly TablePage[];
  readonly #index: () => TraceIndex;
  /** The one asked for last is last. */
  readonly #kept = new Map<string, KeptTable>();
  readonly #counts = new Map<string, number>();
  readonly #tried = new Set<string>();
  #warming: NodeJS.Timeout | undefined;

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

  /** The rows of a table that meet conditions on its columns; or what is wrong with these. */
  where(page: TablePage, filter: Filter, where: readonly string[]): KeptTable | QueryComplaints {
    const kept = this.get(page, filter);
    if (where.length === 0) return kept;
    const none = whereRows({ columns: kept.table.columns, rows: [] }, where);
    if ('complaints' in none) return none;
    return this.#keep(`${page.id}${printPageQuery({ filter, where })}`, () => {
      const wanted = whereRows(kept.table, where);
      return { ...kept, table: { ...kept.table, rows: 'rows' in wanted ? wanted.rows : [] } };
    });
  }

  /** A table by a column, of rows that meet conditions. Undefined when it has no such column, or a condition means nothing. */
  sorted(
    page: TablePage,
    filter: Filter,
    sort: string | undefined,
    order: 'up' | 'down' | undefined,
    where: readonly string[] = [],
  ): KeptTable | undefined {
    const kept = this.where(page, filter, where);
    if ('complaints' in kept) return undefined;
    if (sort === undefined) return kept;
    if (!kept.table.columns.some(({ id }) => id === sort)) return undefined;
    return this.#keep(`${page.id}${printPageQuery({ filter, where, sort, order })}`, () => ({
      ...kept,
      table: { ...kept.table, rows: sortedBy(kept.table, sort, order) ?? kept.table.rows },
    }));
  }

  /** Rows of a whole table, where that is known already. */
  countOf(id: string): number | undefined {
    return this.#counts.get(id);
  }

  /** Whether warming has come past a table: it is made, or cannot be. */
  hasTried(id: string): boolean {
    return this.#tried.has(id);
  }

  /** Makes every table in steps, each well under a second, between which pages are answered. Ends with `stop`; harmless twice. */
  startWarming(): void {
    if (this.#warming !== undefined) return;
    const steps = this.#steps();
    const next = (): void => {
      try {
        if (steps.next().done === true) return;
        this.#warming = setTimeout(next, PAUSE_MS).unref();
      } catch {
        // The pages themselves will say so.
        for (const { id } of this.pages) this.#tried.add(id);
      }
    };
    // The page that asks for it goes first.
    this.#warming = setTimeout(next, FIRST_PAUSE_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#warming);
  }

  /**
   * What most pages need, and what those need that take longest, in steps of well under a second for 10 million events: until it is made,
   * the first of them takes seconds.
   */
  *preparations(): Generator<void> {
    const index = this.#index();
    yield void index.slices;
    for (const thread of index.threads) yield void threadTimeline(index, thread);
    yield* utilizationSteps(index);
    yield* findingSteps(index);
    for (const page of this.pages) if (PREPARED.has(page.id)) yield this.#try(page);
  }

  *#steps(): Generator<void> {
    yield* this.preparations();
    // Grouped ones first: the home page counts them.
    for (const page of [...this.pages].sort((a, b) => Number(a.isEach) - Number(b.isEach))) {
      this.#try(page);
      yield;
    }
  }

  #try(page: TablePage): void {
    try {
      this.countRows(page);
    } catch {
      // Its own page will say so.
    }
    this.#tried.add(page.id);
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

  /** Lets go of what was asked for longest ago, and of the longest tables, but never of the newest. */
  #forget(newest: string): void {
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_TABLES) this.#kept.delete(oldest!);
    const others = [...this.#kept]
      .filter(([key]) => key !== newest)
      .map(([key, { table }]) => ({ key, rows: table.rows.length }))
      .sort((a, b) => b.rows - a.rows);
    let rows = others.reduce((sum, each) => sum + each.rows, this.#kept.get(newest)!.table.rows.length);
    for (const other of others) {
      if (rows <= MAX_ROWS) return;
      this.#kept.delete(other.key);
      rows -= other.rows;
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
