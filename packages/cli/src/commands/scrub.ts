/** `ttrace scrub`: takes out of a trace what must not leave the company. */

import { bytesText, counted } from '@ttrace/analysis/quantity';
import { type Command, defineCommand } from '../command.ts';
import { convertTrace, refuseSameFile } from '../convert-trace.ts';
import { Failure } from '../failure.ts';
import { loadTrace } from '../load-trace.ts';
import { outputFormat } from '../output-format.ts';
import { printError } from '../print.ts';
import { scrubTrace } from '../scrub-trace.ts';

/** Writes the trace without paths, values and, on request, names. */
export const scrubCommand: Command = defineCommand({
  usage: 'scrub <in>',
  summary: 'Take paths, values and names out of a trace, to show it to others',
  options: (parser) =>
    parser
      .usage(
        'ttrace scrub <in> -o OUT [--names] [--args] [--paths] [--keep PATTERN]\n\nTakes out what must not leave the company; times and ' +
          'structure stay. Without --args and --paths both go. What stays: numbers, names of arguments, functions and files, ' +
          'and names unless --names is given. Look through the result all the same: ttrace dump OUT.',
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
      .option('names', {
        type: 'boolean',
        default: false,
        describe:
          'Names of tasks, regions, threads, processes and all else but functions become task 1, region 2, …; equal ones stay equal',
      })
      .option('args', {
        type: 'boolean',
        default: false,
        describe:
          'Only this, and --paths if given: texts in arguments, messages of logs and errors, facts of the recording',
      })
      .option('paths', {
        type: 'boolean',
        default: false,
        describe: 'Only this, and --args if given: directories and hosts, so that …/file.ts:12 is left',
      })
      .option('keep', {
        type: 'string',
        describe: 'Regular expression: names, also of arguments, that stay as they are, with their values',
        requiresArg: true,
      })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'Print nothing but errors' })
      .example("ttrace scrub trace.json -o shared.json --names --keep '^(GET|POST) |^status$'", ''),
  run: async ({ in: input, output, names, args, paths, keep, quiet }) => {
    const pattern = patternOf(keep);
    const format = outputFormat(output);
    refuseSameFile(input, output);
    const { trace, fileBytes } = await loadTrace(input);
    const isBoth = args === paths;
    const scrubbed = scrubTrace(trace, {
      names,
      values: isBoth || args,
      paths: isBoth || paths,
      keep: pattern,
    });
    const bytes = await convertTrace(scrubbed, output, format);
    if (!quiet) {
      const removed = [
        ...(isBoth || paths ? ['directories'] : []),
        ...(isBoth || args ? ['values'] : []),
        ...(names ? ['names'] : []),
      ];
      printError(
        `${counted(scrubbed.length, 'event')} without ${removed.join(', ')}: ${bytesText(fileBytes)} in ${input}, ` +
          `${bytesText(bytes)} in ${output}`,
      );
    }
    return 0;
  },
});

/** @throws Failure (2). */
function patternOf(keep: string | undefined): RegExp | undefined {
  if (keep === undefined) return undefined;
  try {
    return new RegExp(keep, 'u');
  } catch (error) {
    throw new Failure(`--keep takes a regular expression: ${(error as Error).message}`, 2);
  }
}
