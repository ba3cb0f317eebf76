/**
 * `ttrace export`: hands a trace to another system. Where to is an option, each with a file of its own: `export-otlp.ts`,
 * `export-parquet.ts`; here they are options of one command.
 */
import { type Command, defineCommand } from '../command.ts';
import { addOtlpOptions, exportToOtlp, OTLP_EPILOGUE, OTLP_ONLY } from '../export-otlp.ts';
import { addParquetOptions, exportToParquet, PARQUET_EPILOGUE } from '../export-parquet.ts';
import { Failure } from '../failure.ts';

/** Exports a trace. */
export const exportCommand: Command = defineCommand({
  usage: 'export <file>',
  summary: 'Hand a trace to an OpenTelemetry collector, or to engines that read Parquet',
  options: (parser) =>
    addParquetOptions(
      addOtlpOptions(
        parser.positional('file', {
          type: 'string',
          demandOption: true,
          describe: 'A trace: JSON, protobuf, OTLP, .cpuprofile or text, also .gz',
        }),
      ),
    ).epilogue(`${OTLP_EPILOGUE}\n\n${PARQUET_EPILOGUE}`),
  run: async (options) => {
    const { otlp, parquet, table } = options;
    if (otlp !== undefined && parquet !== undefined)
      throw new Failure('--otlp and --parquet are two exports: one after the other', 2);
    if (otlp !== undefined) {
      if (table !== undefined) throw new Failure('--table goes with --parquet', 2);
      return exportToOtlp(options);
    }
    if (parquet === undefined)
      throw new Failure(
        'where to? --otlp sends the trace to an OpenTelemetry collector, --parquet DIR writes Parquet files',
        2,
      );
    const given = OTLP_ONLY.find((name) => options[name] !== undefined && options[name] !== false);
    if (given !== undefined)
      throw new Failure(`--${given} goes with --otlp; for a part of a trace as Parquet: ttrace trim`, 2);
    return exportToParquet(options);
  },
});
