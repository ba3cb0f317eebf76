/**
 * `ttrace snapshot`: has the flight recorder of a running process write what it holds, without stopping it.
 *
 * By the inspector, which interrupts a blocked loop, and not by a signal, which a blocked loop never sees, or by a socket of the
 * recorder's own: no process should listen all its life for a question that comes once a year. The window is in the collector's
 * thread, which writes it whatever main does; main only passes the wish on. While main is in one long native call nothing can.
 */
import { resolve } from 'node:path';
import type { FlightFileResult } from '@ttrace/sdk/attach';
import { ATTACH_NOTES } from '../attach/attach-notes.ts';
import { type AttachSession, openAttachSession } from '../attach/attach-session.ts';
import { fetchFile } from '../attach/fetch-file.ts';
import { untilStopped } from '../attach/until-stopped.ts';
import { type Command, defineCommand } from '../command.ts';
import { Failure } from '../failure.ts';
import { outputFormat } from '../output-format.ts';
import { print, printError } from '../print.ts';
import { reportRecording } from '../report-recording.ts';

/** The collector writes 10 MiB within a second. */
const PATIENCE_MS = 60_000;

/** Writes the window of a process into a file. */
export const snapshotCommand: Command = defineCommand({
  usage: 'snapshot <pid>',
  summary: 'Write what the flight recorder of a running process holds',
  options: (parser) =>
    parser
      .usage(
        'ttrace snapshot [options] PID\n\nWrites the last seconds of a process that runs a flight recorder (ttrace run --flight, ' +
          'TTRACE_FLIGHT, FlightRecorder.start()) into a file. The recorder goes on. Works while the event loop is blocked.',
      )
      .positional('pid', { type: 'number', demandOption: true, describe: 'The process' })
      .option('output', {
        alias: 'o',
        type: 'string',
        default: 'flight.json.gz',
        describe: 'The trace, which the process writes: .json or .pftrace, either also with .gz',
        requiresArg: true,
      })
      .option('inspect-port', {
        type: 'number',
        describe: 'Where its inspector listens, if ttrace does not find that by itself',
        requiresArg: true,
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print what was written as JSON' })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'Print nothing but errors' })
      .example('ttrace snapshot -o slow.json.gz 4711', '')
      .epilogue(ATTACH_NOTES),
  run: async ({ pid, output, inspectPort, json, quiet }) => {
    if (outputFormat(output).format === 'text') {
      throw new Failure('cannot write a snapshot as text: use .json or .pftrace, then ttrace convert', 2);
    }
    const say = quiet ? () => {} : (line: string) => printError(`Process ${pid}: ${line}`);
    const result = await snapshot(pid, resolve(output), inspectPort, say);
    if (json) {
      const { file, bytes, events } = result;
      await print([JSON.stringify({ pid, file, bytes, events }, null, 2)]);
    } else if (!quiet) await reportRecording(result.file);
    return 0;
  },
});

async function snapshot(
  pid: number,
  file: string,
  inspectPort: number | undefined,
  say: (line: string) => void,
): Promise<FlightFileResult> {
  const stopped = untilStopped();
  let session: AttachSession | undefined;
  try {
    session = await openAttachSession(pid, inspectPort, stopped, say);
    if (!session.isRecording) throw noRecorder(pid);
    const { control } = session;
    await stopped.unlessBefore(session.call('snapshotProcess', { file, socket: control.path }));
    await session.closeInspector();
    const result = (await stopped.atMost(PATIENCE_MS, control.ended)) as
      | Partial<FlightFileResult>
      | undefined;
    if (result === undefined) throw new Failure(`process ${pid} did not say that the snapshot is written`);
    if (result.file === undefined) throw noRecorder(pid);
    if (result.error !== undefined) throw new Failure(`process ${pid} cannot write ${file}: ${result.error}`);
    fetchFile(session.target, file);
    return result as FlightFileResult;
  } finally {
    await session?.closeInspector();
    session?.close();
    stopped.forget();
  }
}

function noRecorder(pid: number): Failure {
  return new Failure(
    `process ${pid} runs no flight recorder: start it with ttrace run --flight, TTRACE_FLIGHT or FlightRecorder.start(), ` +
      `or record it from now on with ttrace attach ${pid}`,
  );
}
