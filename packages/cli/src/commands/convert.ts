/** `ttrace convert`: writes a trace in another format, of a trace or of a profile viewer. */
import { basename } from 'node:path';
import { bytesText, counted, PROFILES, type ProfileType } from '@ttrace/analysis';
import { type Command, defineCommand } from '../command.ts';
import { convertProfile } from '../convert-profile.ts';
import { convertTrace, refuseSameFile } from '../convert-trace.ts';
import { Failure } from '../failure.ts';
import { loadTrace } from '../load-trace.ts';
import { type OutputFormat, outputFormat } from '../output-format.ts';
import { printError } from '../print.ts';
import { PROFILE_OUTPUTS, profileOutput } from '../profile-output.ts';

const TRACE_FORMATS = { json: 'json', pftrace: 'perfetto', txt: 'text' } as const;
const FORMATS = [...Object.keys(TRACE_FORMATS), ...PROFILE_OUTPUTS];
const TYPES = PROFILES.map(({ type }) => type);

const EPILOGUE = `Formats, by the extension of OUT or with --to:
  .json .pftrace .txt         the trace itself, nothing lost
  .speedscope.json            speedscope.app: slices and samples of each thread
  .profile.json               profiler.firefox.com: samples, markers, counters (--to firefox)
  .pb.gz .folded .collapsed   one profile: go tool pprof, flamegraph.pl`;

/** Converts by the extension of the result. */
export const convertCommand: Command = defineCommand({
  usage: 'convert <in> <out>',
  summary: 'Write a trace in another format, by the extension of OUT',
  options: (parser) =>
    parser
      .positional('in', {
        type: 'string',
        demandOption: true,
        describe: 'A trace: JSON, protobuf, .cpuprofile or text, also .gz',
      })
      .positional('out', {
        type: 'string',
        demandOption: true,
        describe: 'File to write; with .gz compressed. Is whole or is not there',
      })
      .option('to', {
        type: 'string',
        describe: `Format, whatever the extension: ${FORMATS.join(', ')}`,
        requiresArg: true,
      })
      .option('type', {
        type: 'string',
        describe: `Of a format that holds one profile, which: ${TYPES.join(', ')} [default: the first there is of cpu, block, mutex, message]`,
        requiresArg: true,
      })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'Print nothing but errors' })
      .epilogue(EPILOGUE),
  run: async ({ in: from, out: file, to, type: wanted, quiet }) => {
    if (to !== undefined && !FORMATS.includes(to)) {
      throw new Failure(`there is no format ${to}, only ${FORMATS.join(', ')}`, 2);
    }
    const profile = profileOutput(file, to);
    const format = profile === undefined ? traceFormat(file, to) : undefined;
    const type = profileType(wanted, profile?.format);
    refuseSameFile(from, file);
    const { trace, fileBytes } = await loadTrace(from);
    const { bytes, note } =
      profile === undefined
        ? { bytes: await convertTrace(trace, file, format!), note: '' }
        : await convertProfile(trace, file, profile, { name: basename(from), type });
    if (!quiet) {
      const sizes = `${bytesText(fileBytes)} in ${from}, ${bytesText(bytes)} in ${file}`;
      printError(`${counted(trace.length, 'event')}: ${sizes}${note === '' ? '' : ` (${note})`}`);
    }
    return 0;
  },
});

function traceFormat(file: string, to: string | undefined): OutputFormat {
  if (to === undefined) return outputFormat(file);
  const format = TRACE_FORMATS[to as keyof typeof TRACE_FORMATS];
  return { format, isGzip: file.toLowerCase().endsWith('.gz') };
}

/** @throws Failure (2) for a type that there is not, and for a format that holds all of them or none. */
function profileType(wanted: string | undefined, format: string | undefined): ProfileType | undefined {
  if (wanted === undefined) return undefined;
  if (format !== 'pprof' && format !== 'collapsed') {
    throw new Failure('--type is for .pb.gz, .folded and .collapsed: other formats hold the whole trace', 2);
  }
  const type = TYPES.find((each) => each === wanted);
  if (type === undefined)
    throw new Failure(`there is no profile type ${wanted}, only ${TYPES.join(', ')}`, 2);
  return type;
}
