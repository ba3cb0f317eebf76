/** `ttrace split`: cuts a trace by time into files. */

import { bytesText, counted } from '@ttrace/analysis/quantity';
import { type Command, defineCommand } from '../command.ts';
import { Failure } from '../failure.ts';
import { loadTrace } from '../load-trace.ts';
import { parseBytes } from '../parse-bytes.ts';
import { print, printError } from '../print.ts';
import { MAX_PARTS, type PartLimit, partNames, refuseOldParts, writeParts } from '../write-parts.ts';

/** Less holds hardly more than the names. */
const LEAST_BYTES = 1000;

/** Writes the parts and prints their names. */
export const splitCommand: Command = defineCommand({
  usage: 'split <in>',
  summary: 'Cut a trace by time into files that open alone and that merge joins again',
  options: (parser) =>
    parser
      .usage(
        'ttrace split <in> (--max-bytes SIZE | --parts N) [-o DIR or PREFIX]\n\nCuts a trace by time into PREFIX-001.json and so on, ' +
          'and prints their names. Each opens alone, with all names. An event is in the part in which it begins, also where it goes ' +
          'on in the next; ttrace merge gives exactly the same events again.',
      )
      .positional('in', {
        type: 'string',
        demandOption: true,
        describe: 'A trace: JSON, protobuf, .cpuprofile or text, also .gz',
      })
      .option('max-bytes', {
        type: 'string',
        describe:
          'Most bytes a file: 100MB, 64MiB. Only events that begin in one nanosecond are not cut apart',
        requiresArg: true,
      })
      .option('parts', { type: 'number', describe: 'Or into how many files', requiresArg: true })
      .option('output', {
        alias: 'o',
        type: 'string',
        describe:
          'Directory, or a name to begin with, such as out/part.pftrace [default: the name and format of <in>]',
        requiresArg: true,
      })
      .option('quiet', {
        alias: 'q',
        type: 'boolean',
        default: false,
        describe: 'Print nothing but the names and errors',
      })
      .example('ttrace split trace.json --max-bytes 100MB -o parts/', ''),
  run: async ({ in: input, maxBytes, parts, output, quiet }) => {
    const limit = limitOf(maxBytes, parts);
    if (output !== undefined) refuseOldParts(partNames(input, output, 'json'));
    const { trace, fileBytes } = await loadTrace(input);
    if (trace.length === 0) throw new Failure(`${input} holds no events`);
    const names = partNames(input, output, trace.format);
    refuseOldParts(names);
    const written = await writeParts(trace, names, limit);
    await print(written.map(({ file }) => file));
    if (!quiet) {
      const largest = written.reduce((most, { bytes }) => Math.max(most, bytes), 0);
      printError(
        `${counted(trace.length, 'event')}: ${bytesText(fileBytes)} in ${input}, at most ${bytesText(largest)} in each of ` +
          `${counted(written.length, 'part')}. Join them with: ttrace merge ${names.prefix}-*${names.extension} -o OUT`,
      );
    }
    return 0;
  },
});

/** @throws Failure (2). */
function limitOf(maxBytes: string | undefined, parts: number | undefined): PartLimit {
  if ((maxBytes === undefined) === (parts === undefined)) {
    throw new Failure('split takes either --max-bytes or --parts', 2);
  }
  if (parts !== undefined) {
    if (!Number.isInteger(parts) || parts < 1 || parts > MAX_PARTS) {
      throw new Failure(`--parts takes a whole number from 1 to ${MAX_PARTS}`, 2);
    }
    return { parts };
  }
  const bytes = parseBytes(maxBytes ?? '');
  if (bytes === undefined || bytes < LEAST_BYTES) {
    throw new Failure(`--max-bytes takes a size from ${LEAST_BYTES} bytes on, such as 100MB or 64MiB`, 2);
  }
  return { maxBytes: bytes };
}
