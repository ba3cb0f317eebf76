/** `ttrace merge`: joins traces into one. */
import { statSync } from 'node:fs';
import { bytesText, counted } from '@ttrace/analysis/quantity';
import { type AlignBy, createClockAligner } from '../align-clocks.ts';
import { type Command, defineCommand, repeatable } from '../command.ts';
import { convertTrace, refuseSameFile } from '../convert-trace.ts';
import { Failure } from '../failure.ts';
import { loadTrace } from '../load-trace.ts';
import { createTraceMerger } from '../merge-traces.ts';
import { outputFormat } from '../output-format.ts';
import { printError } from '../print.ts';

const CHOICES: readonly AlignBy[] = ['auto', 'clock', 'wall'];

/** Joins the traces one at a time: only one of them is in memory beside the result. */
export const mergeCommand: Command = defineCommand({
  usage: 'merge <in..>',
  summary: 'Join traces of processes, machines, or parts of one trace',
  options: (parser) =>
    repeatable(parser, ['in'])
      .usage(
        'ttrace merge <in..> -o OUT [--by auto|clock|wall]\n\nJoins traces. Parts of one recording come together on the same tracks; ' +
          'processes of different recordings stay apart, whatever their numbers, and get an arrow from where they were started.',
      )
      .positional('in', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Two traces or more: JSON, protobuf, .cpuprofile or text, also .gz',
      })
      .option('output', {
        alias: 'o',
        type: 'string',
        demandOption: true,
        describe: '.json, .pftrace or .txt, each also with .gz. Is whole or is not there',
        requiresArg: true,
      })
      .option('by', {
        type: 'string',
        default: 'auto',
        describe:
          'How to lay them beside each other in time. clock: exactly, by the clock of the one machine that all were recorded on. ' +
          'wall: by the wall clock, as exactly as the clocks of the machines agree. auto: clock, or wall where the ' +
          'recordings say that they are of different machines',
        requiresArg: true,
      })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'Print nothing but errors' })
      .example('ttrace merge server.json client.json -o both.pftrace', ''),
  run: async ({ in: inputs, output, by, quiet }) => {
    const choice = CHOICES.find((name) => name === by);
    if (choice === undefined) throw new Failure(`--by takes ${CHOICES.join(', ')}`, 2);
    const format = outputFormat(output);
    refuseTwice(inputs);
    for (const input of inputs) refuseSameFile(input, output);
    const merger = createTraceMerger();
    const aligner = createClockAligner(choice);
    for (const input of inputs) {
      const { trace } = await loadTrace(input);
      if (merger.add(trace, aligner.place(trace, input))) {
        printError(
          `ttrace: ${input} is of the same recording as one before it: what both hold is there twice`,
        );
      }
    }
    const merged = merger.finish();
    const bytes = await convertTrace(merged, output, format);
    if (!quiet) {
      printError(
        `${counted(inputs.length, 'trace')} ${aligner.summary()}. ${counted(merged.length, 'event')}: ${bytesText(bytes)} in ${output}`,
      );
    }
    return 0;
  },
});

/** @throws Failure (2) for fewer than two files, or one by two names: its events would be there twice. */
function refuseTwice(inputs: readonly string[]): void {
  if (inputs.length < 2) throw new Failure('merge takes two traces or more', 2);
  const known = new Set<string>();
  for (const input of inputs) {
    const stats = statSync(input, { throwIfNoEntry: false });
    if (stats?.isFile() !== true) continue;
    const key = `${stats.dev} ${stats.ino}`;
    if (known.has(key)) throw new Failure(`${input} is given twice: leave one out`, 2);
    known.add(key);
  }
}
