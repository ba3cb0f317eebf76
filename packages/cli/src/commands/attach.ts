/** `ttrace attach`: records a process that runs already and knows nothing of ttrace. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { counted, summarize } from '@ttrace/analysis';
import type { ControlReport, FoundThreads } from '@ttrace/sdk/attach';
import { parseSources } from '@ttrace/sdk/source-options';
import { ATTACH_NOTES } from '../attach/attach-notes.ts';
import { type AttachSession, openAttachSession } from '../attach/attach-session.ts';
import { fetchFile } from '../attach/fetch-file.ts';
import { type UntilStopped, untilStopped } from '../attach/until-stopped.ts';
import { type Command, defineCommand, type ExitCode } from '../command.ts';
import { Failure } from '../failure.ts';
import { loadTrace } from '../load-trace.ts';
import { outputFormat } from '../output-format.ts';
import { print, printError } from '../print.ts';
import { MAX_SUMMARY_BYTES, reportRecording } from '../report-recording.ts';

/** Records until the time is over, Ctrl-C, or the process ends. */
export const attachCommand: Command = defineCommand({
  usage: 'attach <pid>',
  summary: 'Record a process that runs already: ttrace attach PID',
  options: (parser) =>
    parser
      .usage(
        'ttrace attach [options] PID\n\nRecords a running Node.js process, started without ttrace, until Ctrl-C: its main thread, its ' +
          'workers, and those that it starts meanwhile. Then everything is taken back, and it runs as before.',
      )
      .positional('pid', { type: 'number', demandOption: true, describe: 'The process' })
      .option('output', {
        alias: 'o',
        type: 'string',
        default: 'trace.json',
        describe: 'The trace, which the process writes: .json or .pftrace, either also with .gz',
        requiresArg: true,
      })
      .option('seconds', { type: 'number', describe: 'End after so many seconds', requiresArg: true })
      .option('sources', {
        type: 'string',
        describe: 'What to record of the runtime, as in ttrace run --help',
        requiresArg: true,
      })
      .option('inspect-port', {
        type: 'number',
        describe: 'Where its inspector listens, if ttrace does not find that by itself',
        requiresArg: true,
      })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'Print what was recorded, with the summary, as JSON, times in nanoseconds',
      })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'Print nothing but errors' })
      .example('ttrace attach --seconds 10 -o slow.pftrace 4711', '')
      .epilogue(ATTACH_NOTES),
  run: async ({ pid, output, seconds, sources, inspectPort, json, quiet }) => {
    if (seconds !== undefined && !(seconds > 0 && seconds <= 1e6)) {
      throw new Failure(`--seconds must be more than 0, got ${seconds}`, 2);
    }
    if (outputFormat(output).format === 'text') {
      throw new Failure('cannot record as text: use .json or .pftrace, then ttrace convert', 2);
    }
    try {
      parseSources(sources ?? '');
    } catch (error) {
      throw new Failure((error as Error).message, 2);
    }
    const say = quiet ? () => {} : (line: string) => printError(`Process ${pid}: ${line}`);
    const wish = { file: resolve(output), sources, seconds, inspectPort };
    return record(pid, wish, say, { json, quiet });
  },
});

interface Wish {
  readonly file: string;
  readonly sources: string | undefined;
  readonly seconds: number | undefined;
  readonly inspectPort: number | undefined;
}

/** How long the process may take to complete its file; the collector does so even if the main thread is blocked. */
const END_PATIENCE_MS = 30_000;
/** Workers have 5 seconds to answer. */
const FIRST_PATIENCE_MS = 15_000;

async function record(
  pid: number,
  { file, sources, seconds, inspectPort }: Wish,
  say: (line: string) => void,
  { json, quiet }: { json: boolean; quiet: boolean },
): Promise<ExitCode> {
  const stopped = untilStopped();
  let session: AttachSession | undefined;
  try {
    session = await openAttachSession(pid, inspectPort, stopped, say);
    const { control } = session;
    if (session.isRecording && sources !== undefined) {
      say('it runs a recorder already, whose sources count: --sources changes nothing');
    }
    const { workers, missed } = await begin(session, file, sources, stopped, say);
    const others = workers.length === 0 ? '' : ` and ${counted(workers.length, 'worker')}`;
    const length = seconds === undefined ? '' : ` for ${seconds} s`;
    say(
      `recording ${session.title || 'it'} (Node.js ${session.version}), main${others}${length}. Ctrl-C ends it`,
    );
    if (missed.length > 0) say(`not recorded yet, for they do not answer: ${missed.join(', ')}`);
    const cause = await Promise.race([stopped.within(seconds), control.ended.then(() => 'end' as const)]);
    control.stop();
    const report = reportOf(await stopped.atMost(END_PATIENCE_MS, control.ended));
    await session.closeInspector();
    await sayEnd(pid, report, say);
    fetchFile(session.target, file);
    if (report?.error !== undefined)
      throw new Failure(`the trace in ${file} is not complete: ${report.error}`);
    if (json) await printJson(pid, session, file, { workers, missed, cause, report });
    else if (!quiet) await reportRecording(file);
    return 0;
  } catch (error) {
    // So that nothing stays behind: the process stops by itself when its socket is closed.
    await session?.closeInspector();
    if (error instanceof Failure && error.exitCode === 1 && !error.message.includes(String(pid))) {
      throw new Failure(`cannot record process ${pid}: ${error.message}`);
    }
    throw error;
  } finally {
    session?.close();
    stopped.forget();
  }
}

/** Resolves when all threads are recorded that can be, or when it is to end already. */
async function begin(
  session: AttachSession,
  file: string,
  sources: string | undefined,
  stopped: UntilStopped,
  say: (line: string) => void,
): Promise<FoundThreads> {
  const { control } = session;
  await stopped.unlessBefore(session.call('attachProcess', { file, sources, socket: control.path }));
  // The workers are the collector's business, and the port may be wanted by others.
  void session.closeInspector().then((left) => left !== undefined && say(left));
  const timer = new AbortController();
  const late = sleep(FIRST_PATIENCE_MS, undefined, { signal: timer.signal }).catch(() => undefined);
  const threads = await Promise.race([control.first, late, stopped.within(undefined)]);
  timer.abort();
  if (threads === 'signal') return { workers: [], missed: [] };
  if (threads === undefined)
    throw new Failure(`it does not reach the socket of this command, ${control.path}`);
  return 'workers' in (threads as object) ? (threads as FoundThreads) : { workers: [], missed: [] };
}

/** The last that the process has said, if that is what came of it. */
function reportOf(said: unknown): ControlReport | undefined {
  return typeof said === 'object' && said !== null && 'cause' in said ? (said as ControlReport) : undefined;
}

async function sayEnd(
  pid: number,
  report: ControlReport | undefined,
  say: (line: string) => void,
): Promise<void> {
  if (report?.cause === 'exit') say('it has ended; the trace is complete');
  else if (report?.cause === 'blocked') {
    say('its main thread is blocked: the trace is complete, and the last patches go when it is free again');
  } else if (report === undefined) {
    await untilGone(pid);
    say(
      isAlive(pid)
        ? 'it did not say that the trace is complete'
        : 'it was ended by a signal or crashed; the trace may lack its last tenth of a second',
    );
  }
}

/** The socket of a process is closed a little before it is gone. */
async function untilGone(pid: number): Promise<void> {
  for (let tries = 0; tries < 20 && isAlive(pid); tries++) await sleep(50);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function printJson(
  pid: number,
  { version, title }: AttachSession,
  file: string,
  {
    report,
    ...rest
  }: {
    workers: readonly string[];
    missed: readonly string[];
    cause: string;
    report: ControlReport | undefined;
  },
): Promise<void> {
  const { size } = statSync(file);
  const summary = size <= MAX_SUMMARY_BYTES ? summarize((await loadTrace(file)).trace) : undefined;
  const facts = { pid, node: version, program: title, file, bytes: size, ...rest, report };
  await print([JSON.stringify({ ...facts, summary }, null, 2)]);
}
