/**
 * Conditions on any column of any table: `total>5ms`, `name~parse`, `count>=10`. One form for `--where` of commands and `?where=` of pages. What the
 * value may be follows from the column's unit.
 */
import { parseTime } from '@ttrace/format';
import type { Cell, Column, Table, Unit } from './table.ts';

/** Rows that all conditions let through, or why they mean nothing. */
export type WhereResult<Row> =
  | { readonly rows: readonly Row[] }
  /** Sentences, one a condition that is wrong. */
  | { readonly complaints: readonly string[] };

const CONDITION = /^\s*([^<>=!~]+?)\s*(>=|<=|!=|!~|>|<|=|~)\s*([\s\S]*)$/;
const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

type Test = (cell: string | number) => boolean;

/** A cell that is not known meets no condition. */
export function whereRows<Row>(
  { columns, rows }: Pick<Table<Row>, 'columns' | 'rows'>,
  conditions: readonly string[],
): WhereResult<Row> {
  const complaints: string[] = [];
  const tests: ((row: Row) => boolean)[] = [];
  for (const condition of conditions) {
    const parsed = parse(columns, condition);
    if (typeof parsed === 'string') complaints.push(parsed);
    else {
      const { column, test } = parsed;
      tests.push((row) => isMet(column.of(row), test));
    }
  }
  if (complaints.length > 0) return { complaints };
  return { rows: tests.length === 0 ? rows : rows.filter((row) => tests.every((test) => test(row))) };
}

function isMet(cell: Cell, test: Test): boolean {
  return cell !== undefined && test(cell);
}

/** A condition's column and test, or what is wrong with it. */
function parse<Row>(
  columns: readonly Column<Row>[],
  condition: string,
): { readonly column: Column<Row>; readonly test: Test } | string {
  const [, name, operator = '', value = ''] = CONDITION.exec(condition) ?? [];
  if (name === undefined) {
    return `A condition is a column, one of > >= < <= = != ~ !~, and a value, such as count>10, not ${JSON.stringify(condition)}.`;
  }
  const column =
    columns.find(({ id }) => id === name) ??
    columns.find(
      ({ id, title }) =>
        title.toLowerCase() === name.toLowerCase() || id.toLowerCase() === name.toLowerCase(),
    );
  if (column === undefined) {
    return `There is no column ${name}, only ${columns.map(({ id }) => id).join(', ')}.`;
  }
  const test = column.unit === 'text' ? textTest(operator, value) : numberTest(operator, value, column.unit);
  return typeof test === 'string' ? `${column.id} ${test}` : { column, test };
}

/** `~` is: contains, in any case. */
function textTest(operator: string, value: string): Test | string {
  // Of languages where these compare; no name would be found, without a word.
  if (operator === '=' && /^[=~]/.test(value)) {
    return `takes = or ~ alone, not =${value[0]}. What begins with ${value[0]} is found by ~.`;
  }
  const part = value.toLowerCase();
  switch (operator) {
    case '=':
      return (cell) => String(cell) === value;
    case '!=':
      return (cell) => String(cell) !== value;
    case '~':
      return (cell) => String(cell).toLowerCase().includes(part);
    case '!~':
      return (cell) => !String(cell).toLowerCase().includes(part);
    default:
      return `is a text: it takes =, !=, ~ (contains) and !~, not ${operator}.`;
  }
}

function numberTest(operator: string, text: string, unit: Unit): Test | string {
  const value = quantityOf(text.trim(), unit);
  if (typeof value === 'string') return value;
  switch (operator) {
    case '>':
      return (cell) => Number(cell) > value;
    case '>=':
      return (cell) => Number(cell) >= value;
    case '<':
      return (cell) => Number(cell) < value;
    case '<=':
      return (cell) => Number(cell) <= value;
    case '=':
      return (cell) => Number(cell) === value;
    case '!=':
      return (cell) => Number(cell) !== value;
    default:
      return `is a number: it takes >, >=, <, <=, = and !=, not ${operator}.`;
  }
}

/** The number that a text means in a unit, or what is wrong with it. */
function quantityOf(text: string, unit: Unit): number | string {
  switch (unit) {
    case 'nanos':
    case 'time': {
      // Without a unit it could be nanoseconds, as programs see the column, or seconds, as times are typed elsewhere.
      const nanos = /^[\d.]+$/.test(text) && Number(text) !== 0 ? undefined : parseTime(text);
      return nanos ?? `takes a time with its unit, such as 5ms or 1.5s, not ${JSON.stringify(text)}.`;
    }
    case 'bytes': {
      const [, number, suffix = ''] = /^(\d+(?:\.\d+)?)\s*([KMG]i?B|B)?$/.exec(text) ?? [];
      return number === undefined
        ? `takes a size, such as 4096 or 10MB, not ${JSON.stringify(text)}.`
        : Number(number) * BYTES[suffix]!;
    }
    case 'share': {
      const [, number, percent] = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text) ?? [];
      if (number === undefined || (percent === '' && Number(number) > 1)) {
        return `takes a share, such as 5% or 0.05, not ${JSON.stringify(text)}.`;
      }
      return Number(number) / (percent === '%' ? 100 : 1);
    }
    default:
      return text !== '' && Number.isFinite(Number(text))
        ? Number(text)
        : `takes a number, not ${JSON.stringify(text)}.`;
  }
}
