/**
 * Names of what the program measures. It may make any number of them, and a thread has room for so many: past a bound they
 * share one. For one recording, as all ids of names are.
 */
import { Category } from '@ttrace/format/vocabulary';
import { ROW_SEPARATOR } from '../ring.ts';
import { sourceName } from '../thread-recorder.ts';
import { boundedNames } from './bounded-names.ts';

/** Characters kept of a row's name and of a slice's. */
const MAX_ROW = 100;
const MAX_NAME = 300;

/** Ids of names. */
export interface TimingNames {
  /** Of a moment. */
  instant(name: string): number;
  /** Of a slice. @param row what its row is called, '' for the slice's own name. */
  slice(row: string, name: string): number;
}

export function createTimingNames(): TimingNames {
  const labelOf = boundedNames((name) => sourceName(Category.timing, name));
  return {
    instant: (name) => labelOf(clean(name, MAX_NAME), '(other)'),
    slice(row, name) {
      if (row === '') return labelOf(clean(name, MAX_NAME), '(other)');
      const own = clean(row, MAX_ROW);
      return labelOf(`${own}${ROW_SEPARATOR}${clean(name, MAX_NAME)}`, own);
    },
  };
}

function clean(name: string, most: number): string {
  return String(name).slice(0, most).replaceAll(ROW_SEPARATOR, ' ');
}
