/** The endpoints that give ttrace files: what is recorded in the next seconds, and what the flight recorder holds. */
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TraceOutput } from '@ttrace/sdk/debug';
import { pause } from './deadline.ts';
import type { Answer } from './exchange.ts';
import { HttpProblem } from './http-problem.ts';
import type { RecorderClient } from './recorder-client.ts';

/** What `format` may be. */
const FORMATS: Readonly<Record<string, TraceOutput & { readonly type: string }>> = {
  json: { format: 'json', isGzip: false, type: 'application/json' },
  'json.gz': { format: 'json', isGzip: true, type: 'application/gzip' },
  pftrace: { format: 'perfetto', isGzip: false, type: 'application/octet-stream' },
  'pftrace.gz': { format: 'perfetto', isGzip: true, type: 'application/gzip' },
};

/** @param format as in the query, null where it has none. @throws HttpProblem for one that there is not. */
export function checkFormat(format: string | null): string {
  const name = format === null ? 'json' : format.replace(/^\./, '');
  if (Object.hasOwn(FORMATS, name)) return name;
  throw new HttpProblem(
    400,
    `format must be one of ${Object.keys(FORMATS).join(', ')}, not ${name.slice(0, 40)}`,
  );
}

/** Records for so many seconds, beside whatever else is recorded. @throws HttpProblem */
export async function captureTrace(
  recorder: RecorderClient,
  format: string,
  seconds: number,
  signal: AbortSignal,
): Promise<Answer> {
  const output = outputOf(format);
  const file = temporaryFile(format);
  let fd = -1;
  try {
    fd = open(file);
    await recorder.ask({ kind: 'open-capture', fd, output });
    // From here on the recorder closes it.
    fd = -1;
    const isWhole = await pause(seconds, signal);
    const report = await recorder.ask({ kind: 'close-capture' });
    if (!isWhole) throw new HttpProblem(408, 'the client has gone');
    if (report?.error !== undefined) throw new HttpProblem(500, `the trace is not complete: ${report.error}`);
    return fileAnswer(file, 'trace', format);
  } catch (error) {
    if (fd >= 0) discard(fd);
    remove(dirname(file));
    throw error;
  }
}

/** What the flight recorder's window holds now. @throws HttpProblem also when none runs. */
export async function captureWindow(recorder: RecorderClient, format: string): Promise<Answer> {
  const file = temporaryFile(format);
  try {
    const result = await recorder.ask({ kind: 'write-window', file, output: outputOf(format) });
    if (result === undefined) {
      throw new HttpProblem(
        404,
        'no flight recorder runs in this process: start one with new trace.FlightRecorder().start(), TTRACE_FLIGHT, or ttrace run --flight',
      );
    }
    if (result.error !== undefined) throw new HttpProblem(500, `cannot write the window: ${result.error}`);
    return fileAnswer(file, 'flight', format);
  } catch (error) {
    remove(dirname(file));
    throw error;
  }
}

function fileAnswer(file: string, name: string, format: string): Answer {
  // At once: a client that has gone meanwhile has it removed before a stream would have opened it.
  const body = createReadStream(file, { fd: openSync(file, 'r') });
  // It is read to its end, and nobody can find it any more.
  remove(dirname(file));
  return {
    type: FORMATS[format]!.type,
    body,
    filename: `${name}.${format}`,
    done: () => {
      body.destroy();
      remove(dirname(file));
    },
  };
}

function outputOf(format: string): TraceOutput {
  const { format: kind, isGzip } = FORMATS[format]!;
  return { format: kind, isGzip };
}

/** Directories that are there now, one a capture, only for this user to read. */
const directories = new Set<string>();

/** Removes what captures have written so far: the process ends, or the server. */
export function removeTemporaryFiles(): void {
  for (const directory of directories) remove(directory);
}

/** @throws HttpProblem when there is no place for it. */
function temporaryFile(format: string): string {
  try {
    const directory = mkdtempSync(join(tmpdir(), 'ttrace-debug-'));
    directories.add(directory);
    return join(directory, `trace.${format}`);
  } catch (error) {
    throw new HttpProblem(500, `no place for a trace: ${(error as Error).message}`);
  }
}

/** @throws HttpProblem */
function open(file: string): number {
  try {
    return openSync(file, 'wx', 0o600);
  } catch (error) {
    throw new HttpProblem(500, `Could not enable tracing: ${(error as Error).message}`);
  }
}

function remove(directory: string): void {
  directories.delete(directory);
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    // Somebody else's by now.
  }
}

/** Closes a file that nobody took over. */
function discard(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Closed already.
  }
}
