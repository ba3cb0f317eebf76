/** `ttrace view`: shows a trace in the browser. */
import { basename } from 'node:path';
import { type Command, defineCommand } from '../command.ts';
import { Failure } from '../failure.ts';
import { loadTrace } from '../load-trace.ts';
import { serveTrace } from '../serve-trace.ts';

/** Timers of Node.js hold no more. */
const MAX_TIMEOUT_S = 2 ** 31 / 1000 - 1;

/** Serves the trace and its timeline until Ctrl-C, or with --once until the timeline has been loaded. */
export const viewCommand: Command = defineCommand({
  usage: 'view <file>',
  summary: 'Show a trace in the browser',
  options: (parser) =>
    parser
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'A trace: JSON, protobuf, .cpuprofile or text, also .gz',
      })
      .option('host', {
        type: 'string',
        default: '127.0.0.1',
        describe: 'Address to listen on',
        requiresArg: true,
      })
      .option('port', {
        type: 'number',
        default: 0,
        describe: 'Port to listen on; 0 takes a free one',
        requiresArg: true,
      })
      .option('no-open', { type: 'boolean', default: false, describe: 'Do not start a browser' })
      .option('once', {
        type: 'boolean',
        default: false,
        describe: 'Serve the timeline once, and end when it has been loaded',
      })
      .option('timeout', {
        type: 'number',
        describe: 'With --once: fail when it has not been loaded after this many seconds',
        requiresArg: true,
      })
      .option('perfetto-ui', {
        type: 'string',
        describe: 'Directory of an unzipped perfetto-ui.zip to use (default: TTRACE_PERFETTO_UI)',
        requiresArg: true,
      }),
  run: async ({ file, host, port, noOpen, once, timeout, perfettoUi }) => {
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new Failure('--port takes a number from 0 to 65535', 2);
    }
    if (timeout !== undefined) checkTimeout(timeout, once);
    const { trace } = await loadTrace(file);
    const fromEnvironment = process.env.TTRACE_PERFETTO_UI || undefined;
    await serveTrace({
      trace,
      title: basename(file),
      open: !noOpen,
      host,
      port,
      perfettoUi: perfettoUi ?? fromEnvironment,
      once,
      timeoutMs: timeout && timeout * 1000,
    });
    return 0;
  },
});

/** @throws Failure (2). */
function checkTimeout(seconds: number, once: boolean): void {
  if (!once) throw new Failure('--timeout goes with --once', 2);
  if (!(seconds > 0 && seconds <= MAX_TIMEOUT_S))
    throw new Failure('--timeout takes a number of seconds above 0', 2);
}
