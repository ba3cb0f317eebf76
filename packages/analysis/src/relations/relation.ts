/**
 * A trace as relations, which is what databases take: rows of plain columns, given in batches of arrays so that millions of them need no
 * object each. Parquet files and `ttrace query` have exactly these.
 *
 * Times are nanoseconds as whole numbers; `*_ns` since the trace's first event, `wall_ns` since 1970.
 */
import type { TraceIndex } from '../trace-index.ts';

/** `json` is a JSON object as text, in UTF-8: there are as many different ones as rows, and databases take bytes. */
export type RelationType = 'int64' | 'double' | 'text' | 'json';

/** An `int64` is a whole number or a bigint, a `json` bytes. */
export type RelationValue = number | bigint | string | Uint8Array | null;

export interface RelationColumn {
  readonly name: string;
  readonly type: RelationType;
  /** Whether it may be null: not known, or there is none. */
  readonly isOptional: boolean;
  readonly help: string;
}

/** Rows as one array a column, in the columns' order. */
export interface RelationBatch {
  readonly length: number;
  readonly values: readonly (readonly RelationValue[])[];
}

export interface Relation {
  readonly name: string;
  /** What a row is, in a sentence. */
  readonly help: string;
  readonly columns: readonly RelationColumn[];
  /** All rows, in batches of at most so many. */
  batches(index: TraceIndex, most: number): Generator<RelationBatch, void, undefined>;
}

/** A column with how to read it: made once a trace, called once a row. */
export interface ReadColumn<Key> extends RelationColumn {
  readonly reader: (index: TraceIndex) => (key: Key) => RelationValue;
}

/** Makes a column that every row has. */
export function column<Key>(
  name: string,
  type: RelationType,
  help: string,
  reader: ReadColumn<Key>['reader'],
): ReadColumn<Key> {
  return { name, type, isOptional: false, help, reader };
}

/** Makes a column that may be null. */
export function optional<Key>(
  name: string,
  type: RelationType,
  help: string,
  reader: ReadColumn<Key>['reader'],
): ReadColumn<Key> {
  return { name, type, isOptional: true, help, reader };
}

/** Makes a relation of what stands for its rows, such as row numbers of the trace. */
export function defineRelation<Key>(
  name: string,
  help: string,
  keysOf: (index: TraceIndex) => ArrayLike<Key>,
  columns: readonly ReadColumn<Key>[],
): Relation {
  return {
    name,
    help,
    columns,
    *batches(index, most) {
      const keys = keysOf(index);
      const readers = columns.map(({ reader }) => reader(index));
      for (let from = 0; from < keys.length; from += most) {
        const length = Math.min(most, keys.length - from);
        const values = readers.map((read) => {
          const array = new Array<RelationValue>(length);
          for (let at = 0; at < length; at++) array[at] = read(keys[from + at]!);
          return array;
        });
        yield { length, values };
      }
    },
  };
}
