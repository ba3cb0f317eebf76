/** A table in the form that the options of a command ask for. */
import {
  csvLines,
  markdownLines,
  REPORT_CHARACTERS,
  sortedBy,
  type Table,
  tableLines,
  tableObjects,
  visibleText,
  whereRows,
} from '@ttrace/analysis';
import { Failure } from './failure.ts';
import { printError } from './print.ts';
import { atLeast } from './whole-number.ts';

export interface TableOptions {
  readonly top: number;
  /** A column's id. */
  readonly sort: string | undefined;
  readonly json: boolean;
  readonly csv: boolean;
  readonly md: boolean;
  readonly maxChars: number;
  readonly explain: boolean;
  /** Conditions that rows must meet. */
  readonly where?: readonly string[];
}

/** Of Markdown. */
export const DEFAULT_CHARACTERS: number = REPORT_CHARACTERS;

/** @throws Failure when more than one form is asked for, or a number makes no sense. */
export function checkTableOptions({ top, json, csv, md, explain, maxChars }: TableOptions): void {
  atLeast(1, top, '--top');
  atLeast(200, maxChars, '--max-chars');
  if ([json, csv, md, explain].filter(Boolean).length > 1) {
    throw new Failure('one of --json, --csv, --md and --explain at a time', 2);
  }
}

/** The lines to print. What the trace cannot tell is said on stderr where the form has no place for it. @throws Failure when there is no such column, or a condition means nothing. */
export function printedTable<Row>(whole: Table<Row>, options: TableOptions): Iterable<string> {
  const { top, sort, json, csv, md, explain, where = [] } = options;
  if (explain) return explanation(whole);
  const wanted = whereRows(whole, where);
  if ('complaints' in wanted) throw new Failure(`--where: ${wanted.complaints.join(' ')}`, 2);
  const table = { ...whole, rows: wanted.rows };
  const rows = sort === undefined ? table.rows : sortedBy(table, sort);
  if (rows === undefined) {
    const known = table.columns.map(({ id }) => id).join(', ');
    throw new Failure(`there is no column ${sort} to sort by, only ${known}`, 2);
  }
  const sorted = { ...table, rows };
  const isWhole = sort === undefined && where.length === 0;
  const read = isWhole ? { ...table, rows: whole.inShort?.() ?? rows } : sorted;
  if ((json || csv) && table.note !== undefined) printError(`ttrace: ${table.note}`);
  if (json) return [JSON.stringify(tableObjects(sorted), null, 2)];
  if (csv) return csvLines(sorted);
  if (md) return markdown(read, options);
  return [...orNothing(table, tableLines(read, top)), ...asideLines(table), ...noteLines(table)];
}

/** As many rows as fit. */
function markdown<Row>(table: Table<Row>, { top, maxChars }: TableOptions): string[] {
  const head = [`## ${table.title}`, ''];
  for (let rows = Math.min(top, Math.max(1, table.rows.length)); ; rows = Math.floor(rows * 0.8)) {
    const lines = [...head, ...orNothing(table, markdownLines(table, rows)), ...noteLines(table)];
    if (rows <= 1 || lines.join('\n').length <= maxChars) return lines;
  }
}

function orNothing<Row>({ id, rows, title }: Table<Row>, lines: readonly string[]): readonly string[] {
  if (rows.length > 0) return lines;
  // Of two traces, none of which is a part.
  if (id === 'diff') return ['Nothing changed.'];
  return [`${title}: nothing in this trace, or in the part of it that was asked for.`];
}

function asideLines<Row>({ aside }: Table<Row>): string[] {
  const made = aside?.();
  return made === undefined ? [] : ['', `${made.title}:`, ...tableLines(made, made.rows.length)];
}

function noteLines<Row>({ note }: Table<Row>): string[] {
  return note === undefined ? [] : ['', note];
}

function explanation<Row>({ title, help, columns }: Table<Row>): string[] {
  return [
    `${title}: ${help}`,
    '',
    ...columns.map(({ id, title: name, help: text }) => visibleText(`${name} (${id}): ${text}`)),
  ];
}
