/** The rows of a query as text, JSON, CSV or Markdown, printed as they come. Numbers stay exact: what JSON numbers cannot hold is text. */
import { alignedLines, cellText, counted, countText, markdownText } from '@ttrace/analysis';
import { print } from './print.ts';

type Result = import('@duckdb/node-api').DuckDBResult;
type Json = import('@duckdb/node-api').Json;

export interface QueryForm {
  readonly json: boolean;
  readonly csv: boolean;
  readonly md: boolean;
  /** Most rows of text and Markdown. */
  readonly top: number;
}

const NUMBER_TYPE = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL|FLOAT|DOUBLE|BIGNUM)/;
const CELL_CHARACTERS = 80;
/** Decimal digits that a number always holds. */
const EXACT_DIGITS = 15;
const PLAIN_NUMBER = /^-?\d+(\.\d+)?$/;

/** Prints all rows of a result. */
export async function printQueryResult(result: Result, form: QueryForm): Promise<void> {
  const names = result.deduplicatedColumnNames();
  const areNumbers = result.columnTypes().map((type) => NUMBER_TYPE.test(String(type)));
  const rows = rowsOf(result, areNumbers);
  if (form.json) await printJson(names, rows);
  else if (form.csv) await printCsv(names, rows);
  else await printTable(names, areNumbers, rows, form);
}

async function* rowsOf(result: Result, areNumbers: readonly boolean[]): AsyncGenerator<Json[][]> {
  for await (const rows of result.yieldRowsJson()) {
    yield rows.map((row) => row.map((cell, at) => (areNumbers[at] ? numberOf(cell) : cell)));
  }
}

/** Wide integers and decimals come as text: those that a number holds become one. */
function numberOf(cell: Json): Json {
  if (typeof cell !== 'string') return cell;
  if (!PLAIN_NUMBER.test(cell)) return cell;
  const value = Number(cell);
  const digits = cell.replace(/^-?[0.]*|\./g, '').length;
  return digits <= EXACT_DIGITS || (Number.isSafeInteger(value) && !cell.includes('.')) ? value : cell;
}

async function printJson(names: readonly string[], rows: AsyncIterable<Json[][]>): Promise<void> {
  let separator = '[';
  for await (const chunk of rows) {
    const lines: string[] = [];
    for (const row of chunk) {
      lines.push(
        `${separator}${JSON.stringify(Object.fromEntries(names.map((name, at) => [name, row[at]])))}`,
      );
      separator = ',';
    }
    await print(lines);
  }
  await print([separator === '[' ? '[]' : ']']);
}

async function printCsv(names: readonly string[], rows: AsyncIterable<Json[][]>): Promise<void> {
  const line = (cells: readonly Json[]): string => cells.map(csvCell).join(',');
  await print([line([...names])]);
  for await (const chunk of rows) await print(chunk.map(line));
}

function csvCell(cell: Json): string {
  const text = plainText(cell);
  // A spreadsheet would take a text that begins so for a formula.
  const isFormula = typeof cell === 'string' && /^[=+\-@\t\r]/.test(cell) && !PLAIN_NUMBER.test(cell);
  const safe = isFormula ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

async function printTable(
  names: readonly string[],
  areNumbers: readonly boolean[],
  rows: AsyncIterable<Json[][]>,
  { md, top }: QueryForm,
): Promise<void> {
  const shown: string[][] = [];
  let count = 0;
  for await (const chunk of rows) {
    for (const row of chunk.slice(0, Math.max(0, top - count))) {
      shown.push(row.map((cell) => cellText(plainText(cell), CELL_CHARACTERS)));
    }
    count += chunk.length;
  }
  const titles = names.map((name) => cellText(name, CELL_CHARACTERS));
  const more = count - shown.length;
  if (md) {
    const line = (cells: readonly string[]): string => `| ${cells.map(markdownText).join(' | ')} |`;
    await print([
      line(titles),
      `| ${areNumbers.map((isNumber) => (isNumber ? '---:' : '---')).join(' | ')} |`,
      ...shown.map(line),
      ...(more > 0 ? ['', `and ${countText(more)} more`] : []),
    ]);
    return;
  }
  const columns = titles.map((title, at) => ({
    title,
    align: areNumbers[at] ? ('right' as const) : ('left' as const),
  }));
  await print([
    ...alignedLines(columns, shown),
    more > 0 ? `… and ${countText(more)} more: --top ${count}` : `(${counted(count, 'row')})`,
  ]);
}

function plainText(cell: Json): string {
  if (cell === null || cell === undefined) return '';
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}
