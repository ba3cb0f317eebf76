/** A table in the form that the options of a command ask for. */
import { csvLines, markdownLines, sortedBy, type Table, tableLines, tableObjects } from '@ttrace/analysis';
import { Failure } from './failure.ts';

export interface TableOptions {
  readonly top: number;
  /** A column's id. */
  readonly sort?: string | undefined;
  readonly json: boolean;
  readonly csv: boolean;
  readonly md: boolean;
  readonly explain: boolean;
}

/** The lines to print. @throws Failure when there is no such column, or more than one form is asked for. */
export function printedTable<Row>(table: Table<Row>, options: TableOptions): Iterable<string> {
  const { top, sort, json, csv, md, explain } = options;
  if ([json, csv, md, explain].filter(Boolean).length > 1) {
    throw new Failure('one of --json, --csv, --md and --explain at a time', 2);
  }
  if (explain) return explanation(table);
  const rows = sort === undefined ? table.rows : sortedBy(table, sort);
  if (rows === undefined) {
    const known = table.columns.map(({ id }) => id).join(', ');
    throw new Failure(`there is no column ${sort} to sort by, only ${known}`, 2);
  }
  const sorted = { ...table, rows };
  if (json) return [JSON.stringify(tableObjects(sorted), null, 2)];
  if (csv) return csvLines(sorted);
  if (md)
    return [`## ${table.title}`, '', ...orNothing(table, markdownLines(sorted, top)), ...noteLines(table)];
  return [...orNothing(table, tableLines(sorted, top)), ...noteLines(table)];
}

function orNothing<Row>({ rows, title }: Table<Row>, lines: readonly string[]): readonly string[] {
  return rows.length > 0
    ? lines
    : [`${title}: nothing in this trace, or in the part of it that was asked for.`];
}

function noteLines<Row>({ note, rows }: Table<Row>): string[] {
  return note === undefined || rows.length === 0 ? [] : ['', note];
}

function explanation<Row>({ title, help, columns }: Table<Row>): string[] {
  return [
    `${title}: ${help}`,
    '',
    ...columns.map(({ id, title: name, help: text }) => `${name} (${id}): ${text}`),
  ];
}
