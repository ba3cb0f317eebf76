/**
 * `ttrace mmu`: how available event loops were at worst, by length of window, and with `--window` the worst windows of a length: what
 * Go's page of minimum mutator utilisation shows, as tables.
 */
import {
  DEFAULT_STOPS,
  indexOf,
  STOPS,
  type Stop,
  timeText,
  utilizationOf,
  utilizationTable,
  worstWindowsTable,
} from '@ttrace/analysis';
import { type Command, defineCommand } from '../command.ts';
import { Failure } from '../failure.ts';
import { addStretchOptions, stretchFilterOf } from '../filter-options.ts';
import { loadTrace } from '../load-trace.ts';
import { timeValue } from '../option-values.ts';
import { print } from '../print.ts';
import { checkTableOptions, printedTable } from '../printed-table.ts';
import { addFile, addTableOptions } from '../table-options.ts';

const EPILOGUE = `How to read it: of all windows of a length, the worst one left event loops the share "Minimum" to
run other callbacks in, and the worst 0.1, 1 and 5 % of them at most p99.9, p99 and p95.
A minimum of 0 % at 50 ms: something stopped a loop for 50 ms, and a request that came then
waited for it. Where it stays low for longer windows, stops come close together. --window lists
what they were. Without --thread it is the mean of all threads alive, in which the stop of one
thread may drown.
  ttrace mmu trace.json --thread main
  ttrace mmu trace.json --thread main --window 50ms
  ttrace mmu trace.json --count gc     as if nothing but collections stopped a loop`;

/** Prints the curve as a table, or the worst windows of a length. */
export const mmuCommand: Command = defineCommand({
  usage: 'mmu <file>',
  summary: 'How available event loops were at worst, by length of window; --window: the worst ones',
  options: (parser) =>
    addStretchOptions(
      addTableOptions(addFile(parser), 30)
        .option('window', {
          type: 'string',
          describe: 'List the ten worst windows of this length: 50ms',
          requiresArg: true,
        })
        .option('count', {
          type: 'string',
          default: DEFAULT_STOPS.join(','),
          describe: `What counts as time in which a loop can run nothing else, of ${STOPS.join(',')}`,
          requiresArg: true,
        })
        .epilogue(EPILOGUE),
    ),
  run: async (options) => {
    checkTableOptions(options);
    const filter = stretchFilterOf(options);
    const stops = stopsOf(options.count);
    const windowNanos = options.window === undefined ? undefined : timeValue(options.window, '--window');
    if (windowNanos === 0) throw new Failure('--window takes a time above 0', 2);
    const { trace } = await loadTrace(options.file);
    const index = indexOf(trace);
    const utilization = utilizationOf(index, filter, stops);
    if (windowNanos === undefined) {
      await print(printedTable(utilizationTable(index, utilization), options));
      return 0;
    }
    if (windowNanos > utilization.duration) {
      throw new Failure(
        `--window is longer than what was asked for: ${timeText(windowNanos)}, of ${timeText(utilization.duration)}`,
      );
    }
    await print(printedTable(worstWindowsTable(index, utilization, windowNanos), options));
    return 0;
  },
});

/** @throws Failure (2) for a word that is none of them. */
function stopsOf(text: string): readonly Stop[] {
  return text.split(',').map((word) => {
    const stop = STOPS.find((each) => each === word.trim());
    if (stop === undefined) {
      throw new Failure(`--count takes ${STOPS.join(', ')} with commas between, not ${text}`, 2);
    }
    return stop;
  });
}
