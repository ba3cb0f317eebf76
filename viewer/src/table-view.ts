/** One page of a table, ready to be rendered: the rows that a query asks for, and what stands around them. */
import type { Column, Table, TableQuestion } from '@ttrace/analysis';
import { FILTER_FIELDS, type FilterField, type PageQuery, type QueryComplaints } from './filter-query.ts';
import type { TableStore } from './table-store.ts';

/** Most rows of one page. */
export const PAGE_ROWS: number = 200;

/** What a table's page is rendered from. */
export interface TableView {
  readonly id: string;
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
  /** Fields that narrow this table. */
  readonly fields: readonly FilterField[];
}

/** Looks up a page, or says why there is none. */
export function tableView(
  store: TableStore,
  question: TableQuestion,
  query: PageQuery,
  pageRows: number = PAGE_ROWS,
): TableView | QueryComplaints {
  const { filter, sort, order } = query;
  const kept = store.sorted(question, filter, sort, order);
  if (kept === undefined) {
    const known = store.get(question, filter).table.columns.map(({ id }) => id);
    return { complaints: [`There is no column ${sort} to sort by, only ${known.join(', ')}.`] };
  }
  const { table, columns, longestStates } = kept;
  const pages = Math.max(1, Math.ceil(table.rows.length / pageRows));
  const page = Math.min(query.page, pages);
  const firstRow = (page - 1) * pageRows;
  return {
    id: question.id,
    table,
    columns,
    query: { ...query, page },
    rows: table.rows.slice(firstRow, firstRow + pageRows),
    firstRow,
    pages,
    longestStates,
    fields: FILTER_FIELDS.filter(({ name }) => question.filters?.includes(name) ?? true),
  };
}
