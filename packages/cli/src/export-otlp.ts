/** `ttrace export --otlp`: options, sending with progress and Ctrl-C, and the exit code. What is printed is for otlp-report.ts. */
import { countText } from '@ttrace/analysis/quantity';
import type { Trace } from '@ttrace/format';
import type { ExportResult, OtlpTarget, SpanChoice } from '@ttrace/otel/otlp';
import type { ArgumentsCamelCase, Argv } from 'yargs';
import type { ExitCode } from './command.ts';
import { Failure } from './failure.ts';
import { addFilterOptions, type FilterOptions, filterOf } from './filter-options.ts';
import { loadTrace } from './load-trace.ts';
import { limitValue } from './option-values.ts';
import {
  connectionAdvice,
  countsLines,
  earlyLosses,
  lossText,
  notReadLines,
  resultJson,
  sentLine,
  waitReport,
  warningLines,
} from './otlp-report.ts';
import { print, printError } from './print.ts';
import { startProgress } from './progress.ts';
import { SPAN_FILTER, spanChoice } from './span-choice.ts';
import { atLeast } from './whole-number.ts';

const ENCODINGS = ['protobuf', 'json'] as const;
/** A request needs some time. */
const LEAST_DEADLINE_MS = 100;
/** Times of spans are nanoseconds since 1970 in 64 bits, which receivers take with a sign: this is when they end. */
const END_OF_TIME_MS = Date.UTC(2262, 0);
/** Exit code of a command that Ctrl-C ended. */
const INTERRUPTED = 130;

/** Text below the options. */
export const OTLP_EPILOGUE: string =
  'Slices become spans, instants and logs their events, arrows their links. Ids are derived from the trace, so that a second export ' +
  'gives the same spans; ids that came from OpenTelemetry stay. --dry-run says what would be sent, and what lost before anything is. The variables ' +
  'OTEL_EXPORTER_OTLP_ENDPOINT, _HEADERS, _TIMEOUT, _COMPRESSION, _PROTOCOL and _CERTIFICATE, the same with _TRACES, ' +
  'OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES hold where no option says otherwise. Exit code 1 when anything was lost.\n' +
  '  ttrace export trace.json --otlp http://localhost:4318\n' +
  '  ttrace export trace.json --otlp --task order --dry-run';

/** Options that say nothing without `--otlp`. */
export const OTLP_ONLY: readonly (keyof OtlpOptions)[] = [
  'otlp-encoding',
  'gzip',
  'batch',
  'began',
  'category',
  'dry-run',
  'json',
  ...SPAN_FILTER,
];

/** What yargs makes of the options. */
export interface OtlpOptions extends FilterOptions {
  readonly otlp: string | undefined;
  readonly 'otlp-encoding': string | undefined;
  readonly gzip: boolean | undefined;
  readonly batch: number | undefined;
  readonly deadline: string;
  readonly began: string | undefined;
  readonly category: string | undefined;
  readonly 'dry-run': boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Adds `--otlp` and all that goes with it. */
export function addOtlpOptions<T>(parser: Argv<T>): Argv<T & OtlpOptions> {
  return addFilterOptions(
    parser
      .option('otlp', {
        type: 'string',
        describe:
          'Send spans there: the URL of an OTLP/HTTP receiver, to which /v1/traces is added. Without a URL that of the environment, or ' +
          'http://localhost:4318',
      })
      .option('otlp-encoding', {
        type: 'string',
        describe: 'How spans are written: protobuf or json (default: protobuf)',
        requiresArg: true,
      })
      .option('gzip', { type: 'boolean', describe: 'Compress what is sent; --gzip false does not' })
      .option('batch', {
        type: 'number',
        describe: 'Most spans a request (default: 5000, which is also the most)',
        requiresArg: true,
      })
      .option('deadline', {
        type: 'string',
        default: '60s',
        describe: 'How long a request is tried again while the receiver is busy or away',
        requiresArg: true,
      })
      .option('began', {
        type: 'string',
        describe:
          'When the first event was, for a trace that does not say where it lies on the wall clock: 2026-11-26T10:00:00Z',
        requiresArg: true,
      })
      .option('category', {
        type: 'string',
        describe: 'Only slices and instants of these categories: task,region,log',
        requiresArg: true,
      })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe:
          'Print how many spans of what would be sent, and send nothing; exit code 1 when not all of the file would',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print the result as JSON' })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'Print nothing but errors' }),
    SPAN_FILTER,
  ) as Argv<T & OtlpOptions>;
}

/** Sends a trace. The exit code is 1 when anything was lost. @throws Failure */
export async function exportToOtlp(
  options: ArgumentsCamelCase<OtlpOptions & { readonly file: string }>,
): Promise<ExitCode> {
  const { file, batch, dryRun, json, quiet } = options;
  const deadlineMs = limitValue(options.deadline, '--deadline') / 1e6;
  if (deadlineMs < LEAST_DEADLINE_MS) throw new Failure('--deadline takes 100ms or more', 2);
  if (batch !== undefined) atLeast(1, batch, '--batch');
  const encoding = encodingOf(options.otlpEncoding);
  const filter = filterOf(options, SPAN_FILTER);
  const categories = (options.category ?? '').split(',').filter((category) => category !== '');
  const otlp = await import('@ttrace/otel/otlp');
  const target = usable(() =>
    otlp.otlpTarget(
      {
        url: options.otlp,
        encoding,
        isGzip: options.gzip,
      },
      process.env,
    ),
  );
  const resource = usable(() => otlp.givenResource(process.env));
  const beganMs = options.began === undefined ? undefined : beginning(options.began);
  const { trace, isWhole } = await loadTrace(file);
  const choice = spanChoice(trace, filter, categories);
  const batches = batch === undefined ? {} : { batchSpans: batch };
  if (dryRun) {
    const prepared = otlp.rehearseOtlp(trace, target, { choice, resource, ...batches });
    await print(
      json
        ? [JSON.stringify(resultJson(trace, prepared), null, 2)]
        : [...countsLines(prepared), ...notReadLines(trace)],
    );
    return isWhole && earlyLosses(prepared).length === 0 ? 0 : 1;
  }
  const epochNanos = await wallEpoch(trace, file, beganMs);
  const started = performance.now();
  const result = await send(trace, target, {
    choice,
    resource,
    epochNanos,
    deadlineMs,
    isQuiet: quiet,
    ...batches,
  });
  const seconds = (performance.now() - started) / 1000;
  const url = otlp.shownUrl(target.url);
  if (json) await print([JSON.stringify(resultJson(trace, result, { result, url, seconds }), null, 2)]);
  else if (!quiet) await print([...sentLine(result, url, seconds), ...notReadLines(trace)]);
  if (!quiet) for (const line of warningLines(result)) printError(line);
  const loss = lossText(result, url);
  if (loss === undefined) return isWhole ? 0 : 1;
  printError(`ttrace: ${loss}`);
  return result.stopped === 'interrupted' ? INTERRUPTED : 1;
}

interface Sending {
  readonly isQuiet: boolean;
  readonly choice: SpanChoice;
  readonly resource: Parameters<typeof import('@ttrace/otel/otlp').exportOtlp>[2]['resource'];
  readonly epochNanos: bigint;
  readonly deadlineMs: number;
  readonly batchSpans?: number;
}

async function send(
  trace: Trace,
  target: OtlpTarget,
  { isQuiet, ...sending }: Sending,
): Promise<ExportResult> {
  const { exportOtlp, shownUrl } = await import('@ttrace/otel/otlp');
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  // A second one ends the process as it always does.
  process.once('SIGINT', interrupt);
  const progress = startProgress(
    'Sending',
    0,
    process.stderr,
    undefined,
    (spans) => `${countText(spans)} spans`,
  );
  try {
    return await exportOtlp(trace, target, {
      ...sending,
      signal: stop.signal,
      onProgress: progress.update,
      onWait: waitReport((line) => {
        progress.clear();
        if (!isQuiet) printError(line);
      }),
    });
  } catch (error) {
    const advice = connectionAdvice(error, shownUrl(target.url));
    throw advice === undefined ? error : new Failure(advice);
  } finally {
    progress.clear();
    process.off('SIGINT', interrupt);
  }
}

function encodingOf(text: string | undefined): (typeof ENCODINGS)[number] | undefined {
  const known = ENCODINGS.find((encoding) => encoding === text);
  if (text === undefined || known !== undefined) return known;
  throw new Failure(`--otlp-encoding takes protobuf or json, not ${text}`, 2);
}

/** What a setting gives. @throws Failure (2) for one that cannot be used. */
function usable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && error.name === 'OtlpConfigurationError')
      throw new Failure(error.message, 2);
    throw error;
  }
}

function beginning(text: string): number {
  const millis = /\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (millis >= 0 && millis < END_OF_TIME_MS) return millis;
  throw new Failure(`--began takes a moment from 1970 to 2261, such as 2026-11-26T10:00:00Z, not ${text}`, 2);
}

/** Time 0 of the trace on the wall clock. @throws Failure where nothing says it. */
async function wallEpoch(trace: Trace, file: string, beganMs: number | undefined): Promise<bigint> {
  const { wallEpochOf, wallNanos } = await import('@ttrace/otel/otlp');
  if (beganMs !== undefined) {
    const { timeRange } = await import('@ttrace/format');
    return wallNanos(beganMs) - BigInt(Math.round(timeRange(trace).start));
  }
  const epoch = wallEpochOf(trace);
  if (epoch !== undefined) return epoch;
  throw new Failure(
    `${file} does not say when it was recorded, and spans need a time of day: say when its first event was with --began ` +
      '2026-11-26T10:00:00Z',
  );
}
