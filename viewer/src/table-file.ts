/** A table as a file: CSV, JSON or Markdown of all its rows, made only as fast as it is read. */
import { csvLines, markdownLines, type Table, tableObjects } from '@ttrace/analysis';
import { filterEntries, type PageQuery } from './filter-query.ts';
import type { TableFile } from './links.ts';

const BLOCK_CHARS = 1 << 16;

/** Content types. Markdown goes as plain text: browsers show that, and people copy it. */
export const FILE_TYPES: Readonly<Record<TableFile, string>> = {
  md: 'text/plain; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  json: 'application/json; charset=utf-8',
};

/** Streams a table's rows in their order. */
export function tableFile(
  table: Table<unknown>,
  form: TableFile,
  { filter, where = [] }: PageQuery,
): ReadableStream<Uint8Array> {
  const lines =
    form === 'csv'
      ? csvLines(table)
      : form === 'json'
        ? jsonLines(table)
        : markdown(table, [
            ...filterEntries(filter).map(({ field, text }) => `${field.name}=${text}`),
            ...where,
          ]);
  return streamOf(lines[Symbol.iterator]());
}

/** An array with an object a line. */
function* jsonLines(table: Table<unknown>): Generator<string> {
  yield '[';
  const { rows } = table;
  for (const [at, row] of rows.entries()) {
    const [object] = tableObjects({ ...table, rows: [row] });
    yield `  ${JSON.stringify(object)}${at === rows.length - 1 ? '' : ','}`;
  }
  yield ']';
}

function markdown(table: Table<unknown>, only: readonly string[]): string[] {
  const given = only.join(' ');
  return [
    `## ${table.title}`,
    '',
    ...(given === '' ? [] : [`Only \`${given.replaceAll('`', "'")}\`.`, '']),
    ...(table.rows.length === 0 ? ['No rows.'] : markdownLines(table, table.rows.length)),
    ...(table.note === undefined ? [] : ['', table.note]),
  ];
}

function streamOf(lines: Iterator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream(
    {
      pull(controller) {
        let block = '';
        while (block.length < BLOCK_CHARS) {
          const next = lines.next();
          if (next.done === true) {
            if (block !== '') controller.enqueue(encoder.encode(block));
            controller.close();
            return;
          }
          block += `${next.value}\n`;
        }
        controller.enqueue(encoder.encode(block));
      },
    },
    { highWaterMark: 0 },
  );
}
