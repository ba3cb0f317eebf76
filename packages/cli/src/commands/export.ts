/**
 * `ttrace export`: hands a trace to a system that keeps traces. One destination a file: what each needs and does stands beside the
 * others in `export-*.ts`; here they are options of one command.
 */
import { type Command, defineCommand } from '../command.ts';
import { addOtlpOptions, exportToOtlp, OTLP_EPILOGUE } from '../export-otlp.ts';
import { Failure } from '../failure.ts';

/** Exports a trace. */
export const exportCommand: Command = defineCommand({
  usage: 'export <file>',
  summary: 'Send a trace to an OpenTelemetry collector',
  options: (parser) =>
    addOtlpOptions(
      parser.positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'A trace: JSON, protobuf, OTLP or text, also .gz',
      }),
    ).epilogue(OTLP_EPILOGUE),
  run: (options) => {
    if (options.otlp !== undefined) return exportToOtlp(options);
    throw new Failure('where to? --otlp sends the trace to an OpenTelemetry collector', 2);
  },
});
