/** `ttrace dump`: the events of a trace, readable, one a line. */
import { textLines } from '@ttrace/format';
import { type Command, defineCommand } from '../command.ts';
import { eventObjects } from '../event-object.ts';
import { limitEvents } from '../limit-events.ts';
import { loadTrace } from '../load-trace.ts';
import { print } from '../print.ts';
import { atLeast } from '../whole-number.ts';

/** Prints the text form of a trace, which `ttrace convert` reads back, or a JSON object a line. */
export const dumpCommand: Command = defineCommand({
  usage: 'dump <file>',
  summary: 'Print the events of a trace as text, one a line',
  options: (parser) =>
    parser
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'A trace: JSON, protobuf, .cpuprofile or text, also .gz',
      })
      .option('limit', { type: 'number', describe: 'Print this many events at most', requiresArg: true })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'Print a JSON object a line, events only',
      }),
  run: async ({ file, limit, json }) => {
    if (limit !== undefined) atLeast(0, limit, '--limit');
    const { trace } = await loadTrace(file);
    const limited = limit === undefined ? trace : limitEvents(trace, limit);
    await print(json ? eventObjects(limited) : textLines(limited));
    return 0;
  },
});
