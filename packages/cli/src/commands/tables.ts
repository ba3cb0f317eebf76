/**
 * The commands that print one table each, which the viewer shows as a page of the same name: as text, `--json`, `--csv` or `--md`, of the
 * whole trace or a part of it.
 */
import { indexOf, TABLES } from '@ttrace/analysis';
import { type Command, defineCommand } from '../command.ts';
import { addFilterOptions, checkThread, filterOf } from '../filter-options.ts';
import { loadTrace } from '../load-trace.ts';
import { print } from '../print.ts';
import { checkTableOptions, printedTable } from '../printed-table.ts';
import { addFile, addTableOptions, addWhere } from '../table-options.ts';

/** One command a table; `lint` has more to it. */
export const tableCommands: readonly Command[] = TABLES.filter(({ id }) => id !== 'lint').map(
  ({ id, summary, hint, filters, table, each }) =>
    defineCommand({
      usage: `${id} <file>`,
      summary: hint === undefined ? summary : `${summary}; ${hint}`,
      options: (parser) =>
        addFilterOptions(
          addTableOptions(addWhere(addFile(parser))).option('each', {
            type: 'boolean',
            default: false,
            describe: 'List them one by one instead of by name',
            hidden: each === undefined,
          }),
          filters,
        ),
      run: async (options) => {
        checkTableOptions(options);
        const filter = filterOf(options, filters);
        const listed = options.each && each !== undefined ? each : table;
        const { trace } = await loadTrace(options.file);
        checkThread(trace, filter);
        await print(printedTable(listed(indexOf(trace), filter), options));
        return 0;
      },
    }),
);
