/** `ttrace query`: SQL over the slices, tasks, counters and threads of traces. */
import { existsSync } from 'node:fs';
import { indexOf } from '@ttrace/analysis';
import { type Command, defineCommand, repeatable } from '../command.ts';
import { Failure } from '../failure.ts';
import { loadTrace } from '../load-trace.ts';
import { print } from '../print.ts';
import { openQueryDatabase, type QueryDatabase } from '../query-database.ts';
import { queryErrorText } from '../query-error.ts';
import { printQueryResult } from '../query-result.ts';
import { schemaLines } from '../query-schema.ts';
import { atLeast } from '../whole-number.ts';

const EPILOGUE = `Without SQL it prints the tables and their columns, and more examples. The SQL is DuckDB's; it sees
the traces and nothing else: no files, no network. The column file says which trace a row is of.
  ttrace query trace.json "SELECT name, count(*) AS n, sum(duration_ns) AS ns FROM regions
    GROUP BY name ORDER BY ns DESC LIMIT 10"`;

/** Runs SQL over traces. */
export const queryCommand: Command = defineCommand({
  usage: 'query [files..]',
  summary: 'Ask a trace in SQL (needs @duckdb/node-api)',
  options: (parser) =>
    repeatable(parser, ['files'])
      .usage('ttrace query [files..] ["SELECT …"]\n\nAsks traces in SQL. Needs the package @duckdb/node-api.')
      .positional('files', {
        type: 'string',
        array: true,
        describe: 'Traces; the last argument is the SQL unless it is a file',
      })
      .option('parquet', {
        type: 'string',
        describe: 'Directory that ttrace export --parquet wrote, in place of traces or beside them',
        requiresArg: true,
      })
      .option('top', {
        type: 'number',
        default: 40,
        describe: 'Most rows, in text and Markdown',
        requiresArg: true,
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print all rows as JSON' })
      .option('csv', { type: 'boolean', default: false, describe: 'Print all rows as CSV' })
      .option('md', { type: 'boolean', default: false, describe: 'Print Markdown' })
      .epilogue(EPILOGUE),
  run: async ({ files: given = [], parquet, top, json, csv, md }) => {
    atLeast(1, top, '--top');
    if ([json, csv, md].filter(Boolean).length > 1)
      throw new Failure('one of --json, --csv and --md at a time', 2);
    const { files, sql } = divided(given);
    if (sql === undefined) {
      await print(schemaLines());
      return 0;
    }
    if (files.length === 0 && parquet === undefined) {
      throw new Failure('query takes a trace and SQL: ttrace query trace.json "SELECT …"', 2);
    }
    const database = await openQueryDatabase();
    try {
      for (const file of files) await database.add(file, indexOf((await loadTrace(file)).trace));
      if (parquet !== undefined) await database.addParquet(parquet);
      await database.shut();
      await runQuery(database, sql, { top, json, csv, md });
    } finally {
      database.close();
    }
    return 0;
  },
});

/** The last argument is SQL unless a file has that name; no file of use has a name with spaces that is not there. */
function divided(given: readonly string[]): { files: readonly string[]; sql: string | undefined } {
  const last = given.at(-1);
  if (last === undefined || existsSync(last)) return { files: given, sql: undefined };
  if (last.trim() === '') return { files: given.slice(0, -1), sql: undefined };
  if (!/\s|;/.test(last)) {
    throw new Failure(`cannot read ${last}: no such file or directory. SQL stands in quotes: "SELECT …"`);
  }
  return { files: given.slice(0, -1), sql: last };
}

async function runQuery(
  { connection }: QueryDatabase,
  sql: string,
  form: Parameters<typeof printQueryResult>[1],
): Promise<void> {
  try {
    const statements = await connection.extractStatements(sql);
    for (let at = 0; at < statements.count - 1; at++) await (await statements.prepare(at)).run();
    const last = await statements.prepare(statements.count - 1);
    await printQueryResult(await last.stream(), form);
  } catch (error) {
    throw new Failure(queryErrorText(error instanceof Error ? error.message : String(error), sql));
  }
}
