/** `ttrace check`: limits that a trace must keep, for CI. */
import { type Budget, type BudgetResult, budgetsTable, checkBudgets, indexOf } from '@ttrace/analysis';
import { type Command, defineCommand, repeatable } from '../command.ts';
import { Failure } from '../failure.ts';
import { loadTrace } from '../load-trace.ts';
import { limitValue, shareValue } from '../option-values.ts';
import { print } from '../print.ts';
import { checkTableOptions, printedTable, type TableOptions } from '../printed-table.ts';
import { addFile, addTableOptions } from '../table-options.ts';
import { atLeast } from '../whole-number.ts';

/** Percentiles that have an option; `max` is the 100th. */
const PERCENTILES = { p50: 50, p95: 95, p99: 99, max: 100 } as const;

/** Prints whether each limit is kept; exit code 1 when one is not. */
export const checkCommand: Command = defineCommand({
  usage: 'check <file>',
  summary: 'Hold a trace to limits: exit code 1 when one is broken, and which',
  options: (parser) => {
    const limit = (describe: string) => ({
      type: 'string' as const,
      array: true as const,
      describe,
      requiresArg: true,
    });
    return addTableOptions(addFile(repeatable(parser, Object.keys(PERCENTILES))))
      .option('max-block', {
        type: 'string',
        describe: 'Longest block of an event loop: 50ms',
        requiresArg: true,
      })
      .option('p50', limit('Median of tasks or regions of a name: order=20ms; again for more'))
      .option('p95', limit('95th percentile: order=100ms'))
      .option('p99', limit('99th percentile: order=300ms'))
      .option('max', limit('The longest: order=1s'))
      .option('max-gc', {
        type: 'string',
        describe: 'Largest part of a thread in garbage collection: 5%',
        requiresArg: true,
      })
      .option('max-drops', { type: 'number', describe: 'Most events that were dropped', requiresArg: true })
      .option('max-unfinished', { type: 'number', describe: 'Most tasks without an end', requiresArg: true })
      .example('ttrace check trace.json --max-block 50ms --p95 order=100ms --max-gc 5% --max-drops 0', '');
  },
  run: async (options) => {
    checkTableOptions(options);
    const budgets = budgetsOf(options);
    if (budgets.length === 0)
      throw new Failure('which limits? For example --max-block 50ms --p95 order=100ms', 2);
    const { trace } = await loadTrace(options.file);
    const results = checkBudgets(indexOf(trace), budgets);
    await print(linesFor(results, options));
    return results.every(({ isKept }) => isKept) ? 0 : 1;
  },
});

function linesFor(results: readonly BudgetResult[], options: TableOptions): Iterable<string> {
  const { json, csv, md, explain, sort } = options;
  if (json || csv || md || explain || sort !== undefined) return printedTable(budgetsTable(results), options);
  return results.map(({ isKept, sentence }) => `${isKept ? 'ok    ' : 'BROKEN'} ${sentence}`);
}

interface BudgetOptions {
  readonly maxBlock: string | undefined;
  readonly p50: string[] | undefined;
  readonly p95: string[] | undefined;
  readonly p99: string[] | undefined;
  readonly max: string[] | undefined;
  readonly maxGc: string | undefined;
  readonly maxDrops: number | undefined;
  readonly maxUnfinished: number | undefined;
}

/** @throws Failure for what is no limit. */
function budgetsOf(options: BudgetOptions): Budget[] {
  const { maxBlock, maxGc, maxDrops, maxUnfinished } = options;
  const budgets: Budget[] = [];
  if (maxBlock !== undefined) budgets.push({ kind: 'max-block', nanos: limitValue(maxBlock, '--max-block') });
  for (const [option, p] of Object.entries(PERCENTILES)) {
    for (const text of options[option as keyof typeof PERCENTILES] ?? []) {
      const at = text.lastIndexOf('=');
      if (at <= 0)
        throw new Failure(`--${option} takes a name and a time, such as order=100ms, not ${text}`, 2);
      budgets.push({
        kind: 'percentile',
        p,
        name: text.slice(0, at),
        nanos: limitValue(text.slice(at + 1), `--${option}`),
      });
    }
  }
  if (maxGc !== undefined) budgets.push({ kind: 'max-gc', share: shareValue(maxGc, '--max-gc') });
  for (const [kind, option, count] of [
    ['max-drops', '--max-drops', maxDrops],
    ['max-unfinished', '--max-unfinished', maxUnfinished],
  ] as const) {
    if (count === undefined) continue;
    atLeast(0, count, option);
    budgets.push({ kind, count });
  }
  return budgets;
}
