/** The waits of a trace, and what their names say: a wait for X is `X wait`, what holds it `X` or `X run`, its end `X wait over`. */
import { Category, EventKind } from '@ttrace/format';
import { type Filter, rowFilter } from './filter.ts';
import type { TraceIndex } from './trace-index.ts';

export const WAIT = ' wait';
export const WAIT_OVER = ' wait over';
const ENDINGS = [WAIT_OVER, WAIT, ' run'];

/** `lock counter wait` and what holds it have one base: `lock counter`. */
export function baseOf(name: string): string {
  const ending = ENDINGS.find((each) => name.endsWith(each));
  return ending === undefined ? name : name.slice(0, -ending.length);
}

/** Rows of the waits that a filter lets through; its name with or without ` wait`. */
export function waitRows(index: TraceIndex, filter: Filter): number[] {
  const { kind } = index.trace.columns;
  const { name, ...rest } = filter;
  const isWanted = rowFilter(index, rest);
  const rows: number[] = [];
  for (const row of index.rowsOf(Category.wait)) {
    if (kind[row] !== EventKind.slice || !isWanted(row)) continue;
    if (name === undefined || baseOf(index.nameOf(row)) === baseOf(name)) rows.push(row);
  }
  return rows;
}
