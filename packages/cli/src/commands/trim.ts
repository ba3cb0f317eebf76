/** `ttrace trim`: keeps a stretch, some threads, some tasks of a trace. */

import { bytesText, counted, countText } from '@ttrace/analysis/quantity';
import { parseTime } from '@ttrace/format';
import { type Command, defineCommand, repeatable } from '../command.ts';
import { convertTrace, refuseSameFile } from '../convert-trace.ts';
import { Failure } from '../failure.ts';
import { loadTrace } from '../load-trace.ts';
import { outputFormat } from '../output-format.ts';
import { printError } from '../print.ts';
import { trimTrace } from '../trim-trace.ts';

/** Writes what overlaps the stretch, of the named threads and tasks. */
export const trimCommand: Command = defineCommand({
  usage: 'trim <in>',
  summary: 'Keep a stretch of time, some threads or some tasks of a trace',
  options: (parser) =>
    repeatable(parser, ['thread', 'task'])
      .usage(
        'ttrace trim <in> -o OUT [--from TIME] [--to TIME] [--thread NAME]... [--task NAME]...\n\nKeeps every event that overlaps ' +
          'the stretch, unchanged: a slice keeps its true begin and end, also where they lie outside, and of a counter the last value ' +
          'before the stretch stays. Times are since the first event: 1.2s, 300ms, 20us, or seconds.',
      )
      .positional('in', {
        type: 'string',
        demandOption: true,
        describe: 'A trace: JSON, protobuf, .cpuprofile or text, also .gz',
      })
      .option('output', {
        alias: 'o',
        type: 'string',
        demandOption: true,
        describe: '.json, .pftrace or .txt, each also with .gz. Is whole or is not there',
        requiresArg: true,
      })
      .option('from', { type: 'string', describe: 'Where the stretch begins', requiresArg: true })
      .option('to', { type: 'string', describe: 'Where it ends', requiresArg: true })
      .option('thread', {
        type: 'string',
        array: true,
        describe:
          'A thread by name, tid or pid/tid, with its event loop and samples; what lies on no thread goes. May be repeated',
        requiresArg: true,
      })
      .option('task', {
        type: 'string',
        array: true,
        describe:
          'A task by name or id, with its descendants and what ran in them on any thread, or on those of --thread. May be repeated',
        requiresArg: true,
      })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'Print nothing but errors' })
      .example('ttrace trim trace.json -o slow.json --from 1.2s --to 1.5s', '')
      .example('ttrace trim trace.json -o order.pftrace --task order --thread main', ''),
  run: async ({ in: input, output, from, to, thread, task, quiet }) => {
    const stretch = { from: timeOf(from, '--from'), to: timeOf(to, '--to') };
    if (stretch.from !== undefined && stretch.to !== undefined && stretch.from > stretch.to) {
      throw new Failure('--from lies behind --to', 2);
    }
    const format = outputFormat(output);
    refuseSameFile(input, output);
    const { trace, fileBytes } = await loadTrace(input);
    const trimmed = trimTrace(trace, { ...stretch, threads: thread, tasks: task });
    if (trimmed.length === 0) {
      throw new Failure(
        `no event is left of ${input}: ttrace summary says what there is, and how long it lasts`,
      );
    }
    const bytes = await convertTrace(trimmed, output, format);
    if (!quiet) {
      printError(
        `${countText(trimmed.length)} of ${counted(trace.length, 'event')}: ${bytesText(fileBytes)} in ${input}, ` +
          `${bytesText(bytes)} in ${output}`,
      );
    }
    return 0;
  },
});

function timeOf(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const time = parseTime(text);
  if (time === undefined) {
    throw new Failure(`${option} takes a time since the first event, such as 1.2s, 300ms or 20us`, 2);
  }
  return time;
}
