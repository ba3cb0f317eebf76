/** `ttrace summary`: what a trace holds, at a glance. */
import { summarize } from '@ttrace/analysis';
import { type Command, defineCommand } from '../command.ts';
import { loadTrace } from '../load-trace.ts';
import { print } from '../print.ts';
import { summaryLines } from '../summary-report.ts';
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
        describe: 'A trace: JSON, protobuf or text, also .gz',
      })
      .option('top', { type: 'number', default: 20, describe: 'Most rows a table', requiresArg: true })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'Print all of it as JSON, times in nanoseconds',
      }),
  run: async ({ file, top, json }) => {
    atLeast(1, top, '--top');
    const { trace, fileBytes } = await loadTrace(file);
    const summary = summarize(trace);
    await print(json ? [JSON.stringify(summary, null, 2)] : summaryLines(summary, file, fileBytes, { top }));
    return 0;
  },
});
