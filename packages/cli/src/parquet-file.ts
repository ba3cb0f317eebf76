/**
 * One relation of a trace as a Parquet file, row group by row group, so that memory does not grow with the trace. Written by hyparquet-writer,
 * an optional dependency that is loaded only here.
 */
import type { Relation, RelationColumn, RelationType, RelationValue, TraceIndex } from '@ttrace/analysis';
import type { ByteSink } from '@ttrace/format';
import { Failure } from './failure.ts';

/** Rows of a row group, which are in memory together while writing. With five times as many it takes half as long again. */
const GROUP_ROWS = 20_000;

type Library = typeof import('hyparquet-writer');
type SchemaElement = import('hyparquet-writer').SchemaElement;
type ColumnSource = import('hyparquet-writer').ColumnSource;

/** @throws Failure that says what to do when it is not installed. */
export async function loadParquetWriter(): Promise<Library> {
  try {
    return await import('hyparquet-writer');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Failure('writing Parquet needs a package that is not installed: npm install hyparquet-writer');
  }
}

/** Encodes a relation into a sink, in steps of a row group. @param facts stand in the file beside the data. */
export function* writeParquet(
  { ParquetWriter, ByteWriter }: Library,
  relation: Relation,
  index: TraceIndex,
  facts: Readonly<Record<string, string>>,
  sink: ByteSink,
): Generator<void, void, undefined> {
  const bytes = new ByteWriter(1 << 20);
  const flush = (): void => {
    sink(bytes.getBytes());
    bytes.index = 0;
  };
  const file = new ParquetWriter({
    writer: bytes,
    schema: schemaOf(relation),
    kvMetadata: Object.entries(facts).map(([key, value]) => ({ key, value })),
    createdBy: 'ttrace',
  });
  for (const { length, values } of relation.batches(index, GROUP_ROWS)) {
    const columnData = relation.columns.map((column, at) => columnSource(column, values[at]!));
    void file.write({ columnData, rowGroupSize: length });
    flush();
    yield;
  }
  void file.finish();
  flush();
  yield;
}

function columnSource({ name, type }: RelationColumn, values: readonly RelationValue[]): ColumnSource {
  // Least and greatest value of a row group let engines skip it: of use for what grows with time and for short names.
  const statistics = STATISTICS.test(name);
  // Ids and times grow, so their differences are small.
  if (type === 'int64') return { name, data: integers(values), encoding: 'DELTA_BINARY_PACKED', statistics };
  // The library takes arrays that it could change, and does not.
  const data = values as RelationValue[];
  return type === 'json' ? { name, data, statistics, encoding: 'PLAIN' } : { name, data, statistics };
}

/** As 64-bit integers: without nulls in a typed array, which costs a third of the time. */
function integers(values: readonly RelationValue[]): ColumnSource['data'] {
  // hot: once a value of most columns.
  const typed = new BigInt64Array(values.length);
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    if (value === null) return values.map((each) => (each === null ? null : BigInt(each as number)));
    typed[at] = BigInt(value as number);
  }
  return typed;
}

const STATISTICS = /^(name|category|.*_ns)$/;

const TYPES: Readonly<Record<RelationType, Pick<SchemaElement, 'type' | 'converted_type'>>> = {
  int64: { type: 'INT64' },
  double: { type: 'DOUBLE' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  json: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
};

function schemaOf({ columns }: Relation): SchemaElement[] {
  return [
    { name: 'schema', num_children: columns.length },
    ...columns.map(
      ({ name, type, isOptional }): SchemaElement => ({
        name,
        ...TYPES[type],
        repetition_type: isOptional ? 'OPTIONAL' : 'REQUIRED',
      }),
    ),
  ];
}
