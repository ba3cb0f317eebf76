/** `ttrace diff`: what changed between two traces of the same work, and an exit code for CI. */
import { DIFF_METRICS, type DiffMetric, diffTable, indexOf } from '@ttrace/analysis';
import { type Command, defineCommand } from '../command.ts';
import { loadTrace } from '../load-trace.ts';
import { shareValue, timeValue } from '../option-values.ts';
import { print } from '../print.ts';
import { checkTableOptions, printedTable } from '../printed-table.ts';
import { addTableOptions } from '../table-options.ts';

/** Prints what changed; exit code 1 when something got worse. */
export const diffCommand: Command = defineCommand({
  usage: 'diff <before> <after>',
  summary: 'Compare two traces by name; exit code 1 when something got slower',
  options: (parser) =>
    addTableOptions(
      parser
        .positional('before', { type: 'string', demandOption: true, describe: 'A trace' })
        .positional('after', { type: 'string', demandOption: true, describe: 'Another of the same work' }),
    )
      .option('metric', {
        choices: DIFF_METRICS,
        default: 'p95' as DiffMetric,
        describe: 'What is compared',
        requiresArg: true,
      })
      .option('threshold', {
        type: 'string',
        default: '10%',
        describe: 'From this change on it is worse, if chance alone does not explain it',
        requiresArg: true,
      })
      .option('min', {
        type: 'string',
        default: '1ms',
        describe: 'A change of less time than this is none',
        requiresArg: true,
      })
      .option('exit-zero', { type: 'boolean', default: false, describe: 'Exit with 0 whatever changed' }),
  run: async (options) => {
    checkTableOptions(options);
    const threshold = shareValue(options.threshold, '--threshold');
    const minNanos = timeValue(options.min, '--min');
    const before = indexOf((await loadTrace(options.before)).trace);
    const after = indexOf((await loadTrace(options.after)).trace);
    const table = diffTable(before, after, { metric: options.metric, threshold, minNanos });
    await print(printedTable(table, options));
    const worse = table.rows.filter(({ isWorse }) => isWorse);
    return worse.length > 0 && !options.exitZero ? 1 : 0;
  },
});
