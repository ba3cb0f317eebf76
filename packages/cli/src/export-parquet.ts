/** `ttrace export --parquet`: the relations of a trace as Parquet files, one of them or all in a directory. */
import { mkdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { bytesText, counted, indexOf, RELATIONS, type Relation } from '@ttrace/analysis';
import type { Argv } from 'yargs';
import { writeAtomically } from './atomic-file.ts';
import type { ExitCode } from './command.ts';
import { fileAt, refuseSameFile } from './convert-trace.ts';
import { Failure, fileReason } from './failure.ts';
import { loadTrace } from './load-trace.ts';
import { loadParquetWriter, writeParquet } from './parquet-file.ts';
import { printError } from './print.ts';
import { startProgress } from './progress.ts';

/** What yargs makes of the options. */
export interface ParquetOptions {
  readonly parquet: string | undefined;
  readonly table: string | undefined;
}

const NAMES = RELATIONS.map(({ name }) => name).join(', ');

export const PARQUET_EPILOGUE = `Parquet is for DuckDB, ClickHouse, Spark, pandas, Polars: one file a table, times as whole
nanoseconds, arguments as JSON text. The tables are those of ttrace query, which lists their columns.
  ttrace export trace.json --parquet out/
  duckdb -c "SELECT name, sum(duration_ns) AS ns FROM 'out/slices.parquet' GROUP BY name"`;

/** Adds `--parquet` and `--table`. */
export function addParquetOptions<T>(parser: Argv<T>): Argv<T & ParquetOptions> {
  return parser
    .option('parquet', {
      type: 'string',
      describe: 'Directory to write Parquet files into, one a table; or OUT.parquet for one of them',
      requiresArg: true,
    })
    .option('table', {
      type: 'string',
      describe: `With --parquet OUT.parquet: which table, slices by default, of ${NAMES}`,
      requiresArg: true,
    }) as Argv<T & ParquetOptions>;
}

/** Exports to what `--parquet` names. @throws Failure. */
export async function exportToParquet(
  options: ParquetOptions & { readonly file: string; readonly quiet: boolean },
): Promise<ExitCode> {
  const { file, parquet: target = '', table, quiet } = options;
  const outputs = outputsOf(target, table);
  const library = await loadParquetWriter();
  for (const { path } of outputs) refuseSameFile(file, path);
  const { trace } = await loadTrace(file);
  const index = indexOf(trace);
  const facts = { 'ttrace.file': basename(file), 'ttrace.tables': '1' };
  if (outputs.length > 1) makeDirectory(target);
  const progress = startProgress(`Writing ${target}`, 0);
  let bytes = 0;
  try {
    for (const { path, relation } of outputs) {
      bytes += await writeAtomically(path, false, (sink) =>
        writeParquet(library, relation, index, facts, (chunk) => {
          sink(chunk);
          progress.update(bytes);
        }),
      );
    }
  } finally {
    progress.clear();
  }
  if (!quiet) {
    printError(
      `${counted(trace.length, 'event')} of ${file}: ${counted(outputs.length, 'table')}, ${bytesText(bytes)} in ${target}`,
    );
  }
  return 0;
}

interface Output {
  readonly path: string;
  readonly relation: Relation;
}

function outputsOf(target: string, table: string | undefined): readonly Output[] {
  const isDirectory = fileAt(target)?.isDirectory();
  if (isDirectory === true || !target.toLowerCase().endsWith('.parquet')) {
    if (isDirectory === false) {
      throw new Failure(`${target} is a file: name a directory, or a file that ends in .parquet`, 2);
    }
    if (table !== undefined) {
      throw new Failure('--table is for --parquet OUT.parquet: a directory gets all tables', 2);
    }
    return RELATIONS.map((relation) => ({ path: join(target, `${relation.name}.parquet`), relation }));
  }
  const name = table ?? 'slices';
  const relation = RELATIONS.find((each) => each.name === name);
  if (relation === undefined) throw new Failure(`there is no table ${name}, only ${NAMES}`, 2);
  return [{ path: target, relation }];
}

/** Makes a directory, and those above it. Node's own `recursive` never ends where none can be made, as in /proc. */
function makeDirectory(path: string): void {
  if (fileAt(path) !== undefined) return;
  const above = dirname(resolve(path));
  if (above !== resolve(path)) makeDirectory(above);
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    // What a system says of a directory that lets none be made in it.
    const reason = code === 'ENOENT' ? `no directory can be made in ${above}` : fileReason(error);
    throw new Failure(`cannot write into ${path}: ${reason}`);
  }
}
