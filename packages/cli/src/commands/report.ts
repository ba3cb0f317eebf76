/** `ttrace report`: the pages of a trace as one HTML file. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { bytesText } from '@ttrace/analysis/quantity';
import type { ByteSink } from '@ttrace/format';
import { writeAtomically } from '../atomic-file.ts';
import { type Command, defineCommand } from '../command.ts';
import { Failure } from '../failure.ts';
import { loadTrace } from '../load-trace.ts';
import { printError } from '../print.ts';
import { addFile } from '../table-options.ts';

/** Writes a file that opens from disk, for people who have neither ttrace nor the trace. */
export const reportCommand: Command = defineCommand({
  usage: 'report <file>',
  summary: 'Write what the pages of a trace say into one HTML file',
  options: (parser) =>
    addFile(parser)
      .option('output', {
        alias: 'o',
        type: 'string',
        demandOption: true,
        describe: 'The file to write: .html. Is whole or is not there',
        requiresArg: true,
      })
      .option('title', {
        type: 'string',
        describe: 'Heading of the report (default: the name of the trace)',
        requiresArg: true,
      })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'Print nothing but errors' }),
  run: async ({ file, output, title, quiet }) => {
    if (!/\.html?$/i.test(output)) throw new Failure(`end the name of ${output} in .html`, 2);
    refuseOther(output);
    const { trace } = await loadTrace(file);
    // Imported here: no other command should wait for the modules of the pages.
    const { htmlReport } = await import('perfetto-ui-bundle');
    const fileName = basename(file);
    const parts = htmlReport({ trace, title: title ?? fileName, fileName });
    const bytes = await writeAtomically(output, false, (sink) => encoded(parts, sink));
    if (!quiet) printError(`${bytesText(bytes)} in ${output}`);
    return 0;
  },
});

function* encoded(parts: Iterable<string>, sink: ByteSink): Generator<void, void, undefined> {
  const encoder = new TextEncoder();
  for (const part of parts) {
    sink(encoder.encode(part));
    yield;
  }
}

const HTML = /^\s*<!doctype html/i;

/** @throws Failure (2) when there is a file of that name that is no HTML, such as a trace. */
function refuseOther(output: string): void {
  const stats = statSync(output, { throwIfNoEntry: false });
  if (stats === undefined || stats.size === 0) return;
  const head = Buffer.alloc(64);
  if (stats.isFile()) {
    const descriptor = openSync(output, 'r');
    try {
      readSync(descriptor, head);
    } finally {
      closeSync(descriptor);
    }
  }
  if (HTML.test(head.toString('latin1'))) return;
  throw new Failure(`${output} is there already and is no report: choose another name`, 2);
}
