/**
 * The commands that print one table each, which the viewer shows as a page of the same name: as text, `--json`, `--csv` or `--md`, of the
 * whole trace or a part of it.
 */
import { indexOf, TABLES } from '@ttrace/analysis';
import { type Command, defineCommand } from '../command.ts';
import { addFilterOptions, filterOf } from '../filter-options.ts';
import { loadTrace } from '../load-trace.ts';
import { print } from '../print.ts';
import { printedTable } from '../printed-table.ts';
import { atLeast } from '../whole-number.ts';

/** One command a table. */
export const tableCommands: readonly Command[] = TABLES.map(({ id, summary, table, each }) =>
  defineCommand({
    usage: `${id} <file>`,
    summary,
    options: (parser) =>
      addFilterOptions(
        parser
          .positional('file', {
            type: 'string',
            demandOption: true,
            describe: 'A trace: JSON, protobuf or text, also .gz',
          })
          .option('top', {
            type: 'number',
            default: 20,
            describe: 'Most rows, in text and Markdown',
            requiresArg: true,
          })
          .option('sort', {
            type: 'string',
            describe: 'Column to sort by, as --json names it',
            requiresArg: true,
          })
          .option('json', {
            type: 'boolean',
            default: false,
            describe: 'Print all rows as JSON, times in nanoseconds',
          })
          .option('csv', {
            type: 'boolean',
            default: false,
            describe: 'Print all rows as CSV, times in nanoseconds',
          })
          .option('md', { type: 'boolean', default: false, describe: 'Print a Markdown table' })
          .option('each', {
            type: 'boolean',
            default: false,
            describe: each === undefined ? 'Has no meaning here' : 'List them one by one instead of by name',
            hidden: each === undefined,
          })
          .option('explain', { type: 'boolean', default: false, describe: 'Print what each column means' }),
      ),
    run: async (options) => {
      atLeast(1, options.top, '--top');
      const filter = filterOf(options);
      const listed = each ?? table;
      const { trace } = await loadTrace(options.file);
      await print(printedTable((options.each ? listed : table)(indexOf(trace), filter), options));
      return 0;
    },
  }),
);
