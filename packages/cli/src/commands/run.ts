/** `ttrace run`: records a program and says what is in the trace. */
import { readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { counted } from '@ttrace/analysis/quantity';
import { parseTriggers } from '@ttrace/sdk/flight-triggers';
import { parseSources, SOURCE_NAMES } from '@ttrace/sdk/source-options';
import { type Command, defineCommand, type ExitCode } from '../command.ts';
import { Failure } from '../failure.ts';
import { loadTrace } from '../load-trace.ts';
import { outputFormat } from '../output-format.ts';
import { printError } from '../print.ts';
import { reportRecording, shownPath } from '../report-recording.ts';
import {
  checkWritable,
  findProgram,
  type ProgramRun,
  requireTypeScript,
  runProgram,
} from '../run-program.ts';
import { recordsChildren, runWithChildren } from '../run-with-children.ts';
import { serveTrace } from '../serve-trace.ts';

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
          describe:
            'The trace: .json or .pftrace, either also with .gz [default: trace.json; none with --flight or --debug-server]',
          requiresArg: true,
        })
        .option('flight', {
          type: 'string',
          describe:
            'Keep the last 10 s in memory, and write a file when one of these comes true: block>200ms, task>1s, task:NAME>1s, ' +
            'task>p99*3, gc>50ms, region:NAME, error, signal:SIGUSR2, with commas between them',
          requiresArg: true,
        })
        .option('flight-dir', {
          type: 'string',
          describe: 'Where --flight writes [default: the working directory]',
          requiresArg: true,
        })
        .option('debug-server', {
          type: 'string',
          describe:
            'Serve /debug/pprof of the program, for go tool pprof and browsers, also while its event loop is blocked; =PORT or ' +
            '=HOST:PORT says where [default: 127.0.0.1:6060]',
        })
        .option('pending-stacks', {
          type: 'boolean',
          default: false,
          describe:
            'With --debug-server: note where promises, timers and sockets are begun, so that goroutine shows all that are pending by their ' +
            'stacks; slows down programs that make many of them, often several times',
        })
        .option('sources', {
          type: 'string',
          describe:
            'What to record of the runtime: names to add, no-NAME to leave out, none to begin with nothing; the default is all of ' +
            `${SOURCE_NAMES.slice(0, SOURCE_NAMES.indexOf('samples')).join(', ')}; there are also samples (or samples:1ms), console, timing, pool, and http:propagate (requests made carry their traceparent)`,
          requiresArg: true,
        })
        .option('children', {
          type: 'boolean',
          describe:
            'Record the Node.js processes that the program starts too, in the same trace; the default for commands and node --test',
        })
        .option('no-children', {
          type: 'boolean',
          default: false,
          describe: 'Record only the program itself',
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
        .example('ttrace run -o slow.pftrace server.js --port 8080', '')
        .example("ttrace run --flight 'block>200ms,error' server.js", '')
        .example('ttrace run --debug-server server.js', ''),
    run: ({ debugServer, children, noChildren, ...options }) =>
      record(program, {
        ...options,
        debugServer: debugServer === '' ? '6060' : debugServer,
        children: noChildren ? false : children,
      }),
  });
}

interface RunOptions {
  readonly output: string | undefined;
  readonly flight: string | undefined;
  readonly flightDir: string | undefined;
  readonly debugServer: string | undefined;
  readonly pendingStacks: boolean;
  readonly sources: string | undefined;
  readonly children: boolean | undefined;
  readonly view: boolean;
  readonly noOpen: boolean;
  readonly quiet: boolean;
}

async function record(program: readonly string[], options: RunOptions): Promise<ExitCode> {
  const [name, ...args] = program;
  if (name === undefined) throw new Failure('which program? Name a script, as in ttrace run app.js', 2);
  const { flight, flightDir, debugServer, pendingStacks, sources, quiet } = options;
  checked(() => parseSources(sources ?? ''));
  if (flight !== undefined) checked(() => parseTriggers(flight));
  else if (flightDir !== undefined) throw new Failure('--flight-dir needs --flight and its triggers', 2);
  if (debugServer !== undefined) {
    const { parseAddress } = await import('@ttrace/debug-server');
    checked(() => parseAddress(debugServer));
  } else if (pendingStacks) throw new Failure('--pending-stacks needs --debug-server, which shows them', 2);
  const isServed = flight !== undefined || debugServer !== undefined;
  const output = options.output ?? (isServed ? undefined : 'trace.json');
  if (output === undefined && options.view) throw new Failure('--view needs a trace: name one with -o', 2);
  if (output !== undefined && outputFormat(output).format === 'text') {
    throw new Failure('cannot record as text: use .json or .pftrace, then ttrace convert', 2);
  }
  const found = findProgram(name);
  if (found.script !== undefined) requireTypeScript(found.script);
  if (debugServer !== undefined && found.command !== undefined) {
    throw new Failure(`--debug-server needs a script, and ${name} is none`, 2);
  }
  const run: ProgramRun = {
    ...found,
    args,
    file: undefined,
    sources,
    flight,
    flightDir,
    debugServer,
    pendingStacks,
  };
  if (output !== undefined) return recordFile(run, output, options);
  if (found.command !== undefined) {
    throw new Failure(`--flight needs a script, and ${name} is none; or record a trace, with -o`, 2);
  }
  const directory = resolve(flightDir ?? process.env.TTRACE_FLIGHT_DIR ?? '');
  const before = new Set(flightFiles(directory));
  const exitCode = await runProgram(run);
  if (!quiet && flight !== undefined)
    reportFlight(flightFiles(directory).filter((file) => !before.has(file)));
  return exitCode;
}

async function recordFile(
  run: ProgramRun,
  output: string,
  { children, view, noOpen, quiet }: RunOptions,
): Promise<ExitCode> {
  const file = resolve(output);
  checkWritable(file);
  const withChildren = recordsChildren(run, run.args, children);
  if (withChildren && !isRegular(file)) {
    throw new Failure(`cannot record child processes into ${output}: that takes a file`, 2);
  }
  if (view && !isRegular(file)) {
    throw new Failure(`cannot show a trace that goes into ${output}: leave out --view, or -o`, 2);
  }
  const before = modified(file);
  let pid: number | undefined;
  const exitCode = await (withChildren
    ? runWithChildren({ ...run, file })
    : runProgram({ ...run, file }, (each) => {
        pid = each;
      }));
  // What went into a pipe or a device is with its reader, and cannot be read back.
  if (!isRegular(file)) return exitCode;
  const after = modified(file);
  if (after === undefined || after === before) {
    printError(`ttrace: no trace was written to ${output}: the program ended before it could be recorded`);
    return exitCode;
  }
  if (!quiet) await reportRecording(file, pid);
  if (view) await serveTrace({ ...(await loadTrace(file)), title: basename(file), open: !noOpen });
  return exitCode;
}

/** The flight recorder's files in a directory. */
function flightFiles(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) =>
      /^flight-\d{8}-\d{6}-.*\.(json|pftrace)(\.gz)?$/.test(name),
    );
    return names.sort().map((name) => join(directory, name));
  } catch {
    return [];
  }
}

/** The program has said of each file why it was written. */
function reportFlight(files: readonly string[]): void {
  // What has lasted longest by then is in the last one.
  const last = files.at(-1);
  if (last === undefined) {
    // One that could not be written, or a variable that cannot be, has been said.
    printError('Flight recorder: no file was written. If nothing above says why, no trigger came true.');
    return;
  }
  const more = files.length === 1 ? '' : ` (and ${counted(files.length - 1, 'earlier file')})`;
  printError(`Flight recorder: look at it with: ttrace view ${shownPath(last)}${more}`);
}

/** @throws Failure for what the SDK does not take. */
function checked(check: () => unknown): void {
  try {
    check();
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
