/** `ttrace convert`: writes a trace in another format. */

import { bytesText, counted } from '@ttrace/analysis';
import { type Command, defineCommand } from '../command.ts';
import { convertTrace, refuseSameFile } from '../convert-trace.ts';
import { loadTrace } from '../load-trace.ts';
import { outputFormat } from '../output-format.ts';
import { printError } from '../print.ts';

/** Converts by the extension of the result. */
export const convertCommand: Command = defineCommand({
  usage: 'convert <in> <out>',
  summary: 'Write a trace in another format, by the extension of OUT',
  options: (parser) =>
    parser
      .positional('in', {
        type: 'string',
        demandOption: true,
        describe: 'A trace: JSON, protobuf or text, also .gz',
      })
      .positional('out', {
        type: 'string',
        demandOption: true,
        describe: '.json, .pftrace or .txt, each also with .gz. Is whole or is not there',
      })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'Print nothing but errors' }),
  run: async ({ in: from, out: to, quiet }) => {
    const format = outputFormat(to);
    refuseSameFile(from, to);
    const { trace, fileBytes } = await loadTrace(from);
    const bytes = await convertTrace(trace, to, format);
    if (!quiet) {
      printError(
        `${counted(trace.length, 'event')}: ${bytesText(fileBytes)} in ${from}, ${bytesText(bytes)} in ${to}`,
      );
    }
    return 0;
  },
});
