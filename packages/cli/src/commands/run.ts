/** `ttrace run`: records a program and says what is in the trace. */
import { statSync } from 'node:fs';
import { basename, relative, resolve } from 'node:path';
import { summarize } from '@ttrace/analysis';
import { parseSources, SOURCE_NAMES } from '@ttrace/sdk';
import { type Command, defineCommand, type ExitCode } from '../command.ts';
import { Failure } from '../failure.ts';
import { loadTrace } from '../load-trace.ts';
import { outputFormat } from '../output-format.ts';
import { printError } from '../print.ts';
import { bytesText } from '../quantity.ts';
import { checkWritable, findScript, requireTypeScript, runProgram } from '../run-program.ts';
import { serveTrace } from '../serve-trace.ts';
import { shortSummaryLines } from '../summary-report.ts';

/** Above this, reading the trace again would keep the user waiting. */
const MAX_SUMMARY_BYTES = 256 << 20;
const SUMMARY_ROWS = 5;

/** Makes the command for one command line. @param program the script and its arguments, which yargs does not see. */
export function runCommand(program: readonly string[]): Command {
  return defineCommand({
    usage: 'run',
    summary: 'Record a program: ttrace run [options] [--] app.js args…',
    options: (parser) =>
      parser
        .usage(
          'ttrace run [options] [--] app.js args…\n\nRuns app.js with this Node.js, records all of its threads and exits as it ' +
            'does. What ttrace says goes to stderr; stdout is the program’s. Ctrl-C ends the program; the trace is complete.',
        )
        .option('output', {
          alias: 'o',
          type: 'string',
          default: 'trace.json',
          describe: 'The trace: .json or .pftrace, either also with .gz',
          requiresArg: true,
        })
        .option('sources', {
          type: 'string',
          describe:
            'What to record of the runtime: names to add, no-NAME to leave out, none to begin with nothing; the default is all of ' +
            SOURCE_NAMES.join(', '),
          requiresArg: true,
        })
        .option('view', {
          type: 'boolean',
          default: false,
          describe: 'Open the viewer when the program has ended',
        })
        .option('no-open', {
          type: 'boolean',
          default: false,
          describe: 'With --view: do not start a browser',
        })
        .option('quiet', {
          alias: 'q',
          type: 'boolean',
          default: false,
          describe: 'Print nothing but errors',
        })
        .example('ttrace run -o slow.pftrace server.js --port 8080', ''),
    run: ({ output, sources, view, noOpen, quiet }) =>
      record(program, { output, sources, view, noOpen, quiet }),
  });
}

interface RunOptions {
  readonly output: string;
  readonly sources: string | undefined;
  readonly view: boolean;
  readonly noOpen: boolean;
  readonly quiet: boolean;
}

async function record(program: readonly string[], options: RunOptions): Promise<ExitCode> {
  const [name, ...args] = program;
  if (name === undefined) throw new Failure('which program? Name a script, as in ttrace run app.js', 2);
  if (outputFormat(options.output).format === 'text') {
    throw new Failure('cannot record as text: use .json or .pftrace, then ttrace convert', 2);
  }
  checkSources(options.sources);
  const file = resolve(options.output);
  const script = findScript(name);
  requireTypeScript(script);
  checkWritable(file);
  if (options.view && !isRegular(file)) {
    throw new Failure(`cannot show a trace that goes into ${options.output}: leave out --view, or -o`, 2);
  }
  const before = modified(file);
  const exitCode = await runProgram({ script, args, file, sources: options.sources });
  // What went into a pipe or a device is with its reader, and cannot be read back.
  if (!isRegular(file)) return exitCode;
  const after = modified(file);
  if (after === undefined || after === before) {
    printError(
      `ttrace: no trace was written to ${options.output}: the program ended before it could be recorded`,
    );
    return exitCode;
  }
  if (!options.quiet) await report(file);
  if (options.view) {
    await serveTrace({ ...(await loadTrace(file)), title: basename(file), open: !options.noOpen });
  }
  return exitCode;
}

/** @throws Failure for a choice of sources that cannot be. */
function checkSources(text: string | undefined): void {
  try {
    parseSources(text ?? '');
  } catch (error) {
    throw new Failure((error as Error).message, 2);
  }
}

/** Whether this is a file, or will be one. */
function isRegular(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? true;
}

/** When a file was last written; undefined when there is none. */
function modified(file: string): bigint | undefined {
  return statSync(file, { bigint: true, throwIfNoEntry: false })?.mtimeNs;
}

async function report(file: string): Promise<void> {
  const { size } = statSync(file);
  const shown = relative('', file).startsWith('..') ? file : relative('', file);
  if (size <= MAX_SUMMARY_BYTES) {
    try {
      const { trace } = await loadTrace(file);
      for (const line of shortSummaryLines(summarize(trace), SUMMARY_ROWS)) printError(line);
    } catch (error) {
      // The program has run: its exit code stands, whatever became of the trace.
      printError(`ttrace: ${(error as Error).message}`);
    }
  }
  printError(`Trace: ${shown} (${bytesText(size)}). Look at it with: ttrace view ${shown}`);
}
