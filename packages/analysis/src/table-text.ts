/** A table as text for people, as CSV and JSON for programs, and as Markdown for pull requests and coding agents. */
import { bytesText, countText, shareText, timeText, valueText } from './quantity.ts';
import type { Cell, Column, Table, Unit } from './table.ts';
import { alignedLines, cellText, visibleText } from './text-columns.ts';

/** A cell as people read it; '' for what is not known. */
export function unitText(cell: Cell, unit: Unit): string {
  if (cell === undefined) return '';
  if (typeof cell === 'string') return cell;
  switch (unit) {
    case 'count':
      return countText(cell);
    case 'nanos':
    case 'time':
      return timeText(cell);
    case 'bytes':
      return bytesText(cell);
    case 'share':
      return shareText(cell);
    case 'rate':
      return `${valueText(Number(cell.toPrecision(3)))}/s`;
    default:
      return valueText(cell);
  }
}

/** Columns that say something about at least one row: a table of threads that never wait needs no column of waits. */
export function usedColumns<Row>(table: Table<Row>): readonly Column<Row>[] {
  const [first] = table.columns;
  return table.columns.filter(
    (column) =>
      column === first || column.saysZero === true || table.rows.some((row) => isSaying(column.of(row))),
  );
}

function isSaying(cell: Cell): boolean {
  return cell !== undefined && cell !== '' && cell !== 0;
}

/** Aligned columns under headings, `top` rows at most. */
export function tableLines<Row>(table: Table<Row>, top: number): string[] {
  if (table.rows.length === 0) return [];
  const columns = usedColumns(table);
  const lines = alignedLines(
    columns.map(({ title, unit }) => ({ title: cellText(title), align: unit === 'text' ? 'left' : 'right' })),
    table.rows
      .slice(0, top)
      .map((row) => columns.map(({ of, unit }) => cellText(unitText(of(row), unit)) || emptyText(unit))),
  );
  return table.rows.length > top
    ? [...lines, `… and ${countText(table.rows.length - top)} more: --top ${table.rows.length}`]
    : lines;
}

function emptyText(unit: Unit): string {
  return unit === 'text' ? '' : '-';
}

/** RFC 4180, all rows, numbers as they are; the first line has the columns' ids. */
export function* csvLines<Row>({ columns, rows }: Table<Row>): Generator<string> {
  yield columns.map(({ id }) => csvCell(id)).join(',');
  for (const row of rows) yield columns.map(({ of }) => csvCell(of(row))).join(',');
}

function csvCell(cell: Cell): string {
  if (cell === undefined) return '';
  // A spreadsheet would take a text that begins so for a formula.
  const text = typeof cell === 'string' && /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows as objects, the columns' ids for keys; what is not known is left out. */
export function tableObjects<Row>({ columns, rows }: Table<Row>): Record<string, string | number>[] {
  return rows.map((row) => {
    const object: Record<string, string | number> = {};
    for (const { id, of } of columns) {
      const cell = of(row);
      if (cell !== undefined) object[id] = cell;
    }
    return object;
  });
}

/** A pipe table, `top` rows at most, texts cut to `width`. */
export function markdownLines<Row>(table: Table<Row>, top: number, width = 60): string[] {
  if (table.rows.length === 0) return [];
  const columns = usedColumns(table);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const lines = [
    line(columns.map(({ title }) => markdownText(cellText(title, width)))),
    line(columns.map(({ unit }) => (unit === 'text' ? '---' : '---:'))),
    ...table.rows
      .slice(0, top)
      .map((row) =>
        line(columns.map(({ of, unit }) => markdownText(cellText(unitText(of(row), unit), width)))),
      ),
  ];
  const more = table.rows.length - top;
  return more > 0 ? [...lines, '', `and ${countText(more)} more`] : lines;
}

/** A text that Markdown shows as it is, in a table as well. */
export function markdownText(text: string): string {
  return visibleText(text).replace(/[\\`*_[\]<>|~#]/g, '\\$&');
}
