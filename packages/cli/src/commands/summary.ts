/** `ttrace summary`: what a trace holds, at a glance. */
import { indexOf, markdownReport, REPORT_CHARACTERS, summarize } from '@ttrace/analysis';
import { type Command, defineCommand } from '../command.ts';
import { Failure } from '../failure.ts';
import { loadTrace } from '../load-trace.ts';
import { print } from '../print.ts';
import { factsCsv, summaryLines } from '../summary-report.ts';
import { atLeast } from '../whole-number.ts';

/** Prints the summary as tables or as JSON. */
export const summaryCommand: Command = defineCommand({
  usage: 'summary <file>',
  summary: 'Print what a trace holds: threads, tasks, regions, counters',
  options: (parser) =>
    parser
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'A trace: JSON, protobuf, .cpuprofile or text, also .gz',
      })
      .option('top', { type: 'number', default: 20, describe: 'Most rows a table', requiresArg: true })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'Print all of it as JSON, times in nanoseconds',
      })
      .option('csv', {
        type: 'boolean',
        default: false,
        describe: 'Print the facts as CSV; each table has a command of its own',
      })
      .option('md', {
        type: 'boolean',
        default: false,
        describe: 'Print a report in Markdown, the worst first, for a pull request or a coding agent',
      })
      .option('max-chars', {
        type: 'number',
        default: REPORT_CHARACTERS,
        describe: 'With --md: most characters',
        requiresArg: true,
      }),
  run: async ({ file, top, json, csv, md, maxChars }) => {
    atLeast(1, top, '--top');
    atLeast(200, maxChars, '--max-chars');
    if ([json, csv, md].filter(Boolean).length > 1)
      throw new Failure('one of --json, --csv and --md at a time', 2);
    const { trace, fileBytes } = await loadTrace(file);
    if (md) {
      await print([markdownReport(indexOf(trace), file, fileBytes, maxChars)]);
      return 0;
    }
    const summary = summarize(trace);
    if (csv) {
      await print(factsCsv(summary, fileBytes));
      return 0;
    }
    await print(json ? [JSON.stringify(summary, null, 2)] : summaryLines(summary, file, fileBytes, { top }));
    return 0;
  },
});
