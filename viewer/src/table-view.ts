/** One page of a table, ready to be rendered: the rows that a query asks for, and what stands around them. */
import type { Column, Table } from '@ttrace/analysis';
import type { PageQuery, QueryComplaints } from './filter-query.ts';
import type { TablePage } from './table-pages.ts';
import type { TableStore } from './table-store.ts';

/** Most rows of one page. */
export const PAGE_ROWS: number = 200;

/** What a table's page is rendered from. */
export interface TableView {
  readonly page: TablePage;
  readonly table: Table<unknown>;
  /** The columns that say something about at least one row of the table. */
  readonly columns: readonly Column<unknown>[];
  /** With the page that is shown, which is the last one where there are fewer. */
  readonly query: PageQuery;
  readonly rows: readonly unknown[];
  /** Number of the page's first row, from 0 on. */
  readonly firstRow: number;
  readonly pages: number;
  readonly longestStates: number;
}

/** Looks up a page, or says why there is none. */
export function tableView(
  store: TableStore,
  page: TablePage,
  query: PageQuery,
  pageRows: number = PAGE_ROWS,
): TableView | QueryComplaints {
  const { filter, where = [], sort, order } = query;
  const wanted = store.where(page, filter, where);
  if ('complaints' in wanted) return wanted;
  const kept = store.sorted(page, filter, sort, order, where);
  if (kept === undefined) {
    const known = store.get(page, filter).table.columns.map(({ id }) => id);
    return { complaints: [`There is no column ${sort} to sort by, only ${known.join(', ')}.`] };
  }
  const { table, columns, longestStates } = kept;
  const pages = Math.max(1, Math.ceil(table.rows.length / pageRows));
  const at = Math.min(query.page, pages);
  const firstRow = (at - 1) * pageRows;
  return {
    page,
    table,
    columns,
    query: { ...query, page: at },
    rows: table.rows.slice(firstRow, firstRow + pageRows),
    firstRow,
    pages,
    longestStates,
  };
}
