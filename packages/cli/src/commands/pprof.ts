/**
 * `ttrace pprof`: a profile of a trace as a pprof file, as collapsed stacks, or as a table. Goes to stdout as Go's does, so that it can be
 * sent on; a terminal gets no bytes that it cannot show.
 */
import {
  foldedLines,
  functionsTable,
  indexOf,
  isNarrowing,
  PROFILES,
  type Profile,
  profileOf,
} from '@ttrace/analysis';
import { encodePprof } from '@ttrace/pprof';
import { writeAtomically } from '../atomic-file.ts';
import { type Command, defineCommand } from '../command.ts';
import { refuseSameFile } from '../convert-trace.ts';
import { Failure } from '../failure.ts';
import { addFilterOptions, filterOf } from '../filter-options.ts';
import { loadTrace } from '../load-trace.ts';
import { print, printBytes } from '../print.ts';
import { DEFAULT_CHARACTERS, printedTable } from '../printed-table.ts';
import { atLeast } from '../whole-number.ts';

const TYPES = PROFILES.map(({ type }) => type).join(', ');

const EPILOGUE = `Types:
${PROFILES.map(({ type, summary }) => `  ${type.padEnd(8)} ${summary}`).join('\n')}

For those who know go tool trace: its -pprof=sync is --type mutex here, -pprof=sched is nearest to
--type block (nothing else can run on a blocked loop), -pprof=net and -pprof=syscall have no match.
  ttrace pprof trace.json --type block > block.pb.gz && go tool pprof -top block.pb.gz`;

/** Writes a profile of a trace. */
export const pprofCommand: Command = defineCommand({
  usage: 'pprof <file>',
  summary: 'Write a profile for go tool pprof: blocks, waits, messages, CPU',
  options: (parser) =>
    addFilterOptions(
      parser
        .positional('file', {
          type: 'string',
          demandOption: true,
          describe: 'A trace: JSON, protobuf, .cpuprofile or text, also .gz',
        })
        .option('type', { type: 'string', describe: `What to profile: ${TYPES}`, requiresArg: true })
        .option('output', {
          alias: 'o',
          type: 'string',
          describe: 'File to write (default: stdout, if that is no terminal)',
          requiresArg: true,
        })
        .option('region', {
          type: 'string',
          describe: 'Only time within regions of this name; what overlaps counts once',
          requiresArg: true,
        })
        .option('folded', {
          type: 'boolean',
          default: false,
          describe: 'Write stacks in lines with their nanoseconds, as flamegraph.pl and speedscope read',
        })
        .option('top', {
          type: 'number',
          describe: 'Print a table of so many functions instead',
          requiresArg: true,
        })
        .epilogue(EPILOGUE),
    ),
  run: async (options) => {
    const { file, output, region, folded, top } = options;
    const type = profileType(options.type);
    const filter = filterOf(options);
    if (top !== undefined) atLeast(1, top, '--top');
    if (top !== undefined && (folded || output !== undefined)) {
      throw new Failure('--top prints a table: it goes without --folded and -o', 2);
    }
    if (top === undefined && output === undefined && !folded && process.stdout.isTTY) {
      throw new Failure(
        `a profile is no text: write it with -o ${type}.pb.gz or > ${type}.pb.gz, or see it with --top 20`,
        2,
      );
    }
    if (output !== undefined) refuseSameFile(file, output);
    const { trace } = await loadTrace(file);
    const profile = profileOf(indexOf(trace), type, { filter, region });
    if (profile.samples.length === 0)
      throw new Failure(nothing(profile, isNarrowing({ ...filter, name: filter.name ?? region })));
    await write(profile, { output, folded, top });
    return 0;
  },
});

/** @throws Failure (2) for a type that there is not. */
function profileType(type: string | undefined): Profile['type'] {
  const known = PROFILES.find((profile) => profile.type === type);
  if (known !== undefined) return known.type;
  throw new Failure(
    type === undefined ? `--type takes one of: ${TYPES}` : `there is no profile type ${type}, only ${TYPES}`,
    2,
  );
}

/** What is missing, and how to come by it. */
function nothing({ type }: Profile, isPart: boolean): string {
  const { title } = PROFILES.find((profile) => profile.type === type)!;
  const where = isPart ? 'the part of the trace that was asked for' : 'the trace';
  const hint = type === 'cpu' ? ': record with ttrace run --sources samples' : '';
  return `${title}: there is nothing of that in ${where}${hint}`;
}

interface Form {
  readonly output: string | undefined;
  readonly folded: boolean;
  readonly top: number | undefined;
}

async function write(profile: Profile, { output, folded, top }: Form): Promise<void> {
  if (top !== undefined) {
    const form = {
      top,
      sort: undefined,
      maxChars: DEFAULT_CHARACTERS,
      json: false,
      csv: false,
      md: false,
      explain: false,
    };
    await print(printedTable(functionsTable(profile), form));
    return;
  }
  const lines = folded ? foldedLines(profile) : undefined;
  if (output === undefined) {
    if (lines !== undefined) await print(lines);
    else await printBytes(encodePprof(profile));
    return;
  }
  const bytes =
    lines === undefined ? encodePprof(profile) : new TextEncoder().encode(`${lines.join('\n')}\n`);
  await writeAtomically(output, false, (sink) => {
    sink(bytes);
    return [];
  });
}
