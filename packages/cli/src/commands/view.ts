/** `ttrace view`: shows a trace in the browser. */
import { basename } from 'node:path';
import { type Command, defineCommand } from '../command.ts';
import { Failure } from '../failure.ts';
import { loadTrace } from '../load-trace.ts';
import { serveTrace } from '../serve-trace.ts';

/** Serves the trace and its timeline until Ctrl-C. */
export const viewCommand: Command = defineCommand({
  usage: 'view <file>',
  summary: 'Show a trace in the browser',
  options: (parser) =>
    parser
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'A trace: JSON, protobuf or text, also .gz',
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
      .option('perfetto-ui', {
        type: 'string',
        describe: 'Directory of an unzipped perfetto-ui.zip to use (default: TTRACE_PERFETTO_UI)',
        requiresArg: true,
      }),
  run: async ({ file, host, port, noOpen, perfettoUi }) => {
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new Failure('--port takes a number from 0 to 65535', 2);
    }
    const { trace } = await loadTrace(file);
    const fromEnvironment = process.env.TTRACE_PERFETTO_UI || undefined;
    await serveTrace({
      trace,
      title: basename(file),
      open: !noOpen,
      host,
      port,
      perfettoUi: perfettoUi ?? fromEnvironment,
    });
    return 0;
  },
});
