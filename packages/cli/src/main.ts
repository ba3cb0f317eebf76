/**
 * From arguments to an exit code: picks the command, runs it, and turns every error into one line on stderr. The only place
 * that does so.
 */
import { readFileSync } from 'node:fs';
import yargs, { type Argv } from 'yargs';
import type { Command, ExitCode } from './command.ts';
import { Failure } from './failure.ts';
import { print, printError } from './print.ts';
import { splitProgram } from './split-program.ts';

/** Width of all help texts, whatever the terminal: they are golden files. */
const HELP_COLUMNS = 100;
const COMPLETION = 'completion';

/** Loads a command, or all that stand in one file. */
type Loader = (program: readonly string[]) => Promise<Command | readonly Command[]>;

/** By name, in the order of the help; '' for all tables. Loaded when they are needed: to load all takes as long as to start Node.js. */
const COMMANDS: readonly (readonly [name: string, load: Loader])[] = [
  ['run', async (program) => (await import('./commands/run.ts')).runCommand(program)],
  ['attach', async () => (await import('./commands/attach.ts')).attachCommand],
  ['snapshot', async () => (await import('./commands/snapshot.ts')).snapshotCommand],
  ['view', async () => (await import('./commands/view.ts')).viewCommand],
  ['summary', async () => (await import('./commands/summary.ts')).summaryCommand],
  ['lint', async () => (await import('./commands/lint.ts')).lintCommand],
  ['', async () => (await import('./commands/tables.ts')).tableCommands],
  ['mmu', async () => (await import('./commands/mmu.ts')).mmuCommand],
  ['check', async () => (await import('./commands/check.ts')).checkCommand],
  ['diff', async () => (await import('./commands/diff.ts')).diffCommand],
  ['pprof', async () => (await import('./commands/pprof.ts')).pprofCommand],
  ['report', async () => (await import('./commands/report.ts')).reportCommand],
  ['convert', async () => (await import('./commands/convert.ts')).convertCommand],
  ['export', async () => (await import('./commands/export.ts')).exportCommand],
  ['query', async () => (await import('./commands/query.ts')).queryCommand],
  ['trim', async () => (await import('./commands/trim.ts')).trimCommand],
  ['split', async () => (await import('./commands/split.ts')).splitCommand],
  ['merge', async () => (await import('./commands/merge.ts')).mergeCommand],
  ['scrub', async () => (await import('./commands/scrub.ts')).scrubCommand],
  ['validate', async () => (await import('./commands/validate.ts')).validateCommand],
  ['dump', async () => (await import('./commands/dump.ts')).dumpCommand],
  ['footprint', async () => (await import('./commands/footprint.ts')).footprintCommand],
];

/** The command that is named; all of them where none is, or one that there is not. */
async function commandsFor(
  first: string | undefined,
  program: readonly string[],
): Promise<readonly Command[]> {
  const named = COMMANDS.find(([name]) => name === first);
  const isName = first !== undefined && !first.startsWith('-');
  const [, load] = named ?? COMMANDS.find(([name]) => name === '')!;
  const found = isName ? [await load(program)].flat().find(({ name }) => name === first) : undefined;
  if (found !== undefined) return [found];
  const all: Command[] = [];
  for (const [, each] of COMMANDS) all.push(...[await each(program)].flat());
  return all;
}

/** Runs `ttrace` with these arguments. Never rejects. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  const { own, program } = splitProgram(args);
  try {
    const parsed = await parse(own, await commandsFor(own[0], program));
    if ('text' in parsed) {
      await print([parsed.text]);
      return 0;
    }
    return await parsed.run();
  } catch (error) {
    if (error instanceof Failure) {
      printError(`ttrace: ${error.message}`);
      return error.exitCode;
    }
    printError(`ttrace: ${error instanceof Error ? error.message : String(error)}`);
    if (process.env.TTRACE_DEBUG !== undefined && error instanceof Error) printError(error.stack ?? '');
    return 1;
  }
}

type Parsed = { readonly text: string } | { readonly run: () => Promise<ExitCode> };

/** Text to print (help, version) or what to run. @throws Failure with exit code 2 for a wrong command line. */
async function parse(args: readonly string[], commands: readonly Command[]): Promise<Parsed> {
  const [first] = args;
  // What these print yargs prints by itself.
  const isCompletion = first === COMPLETION || args.includes('--get-yargs-completions');
  const isKnown = isCompletion || commands.some(({ name }) => name === first);
  if (first !== undefined && !first.startsWith('-') && !isKnown) {
    const known = commands.map(({ name }) => name).join(', ');
    throw new Failure(usageText(`there is no command ${first}, only ${known}`, undefined), 2);
  }
  let selected: (() => Promise<ExitCode>) | undefined;
  const parser = createParser();
  for (const command of commands) command.register(parser, (run) => (selected = run));
  const name = commands.find((command) => command.name === args[0])?.name;
  let text = '';
  let complaint: string | undefined;
  await parser.parseAsync([...args], {}, (error, _parsed, output) => {
    if (error !== null && error !== undefined) complaint = error.message;
    else text = output;
  });
  if (isCompletion) return text === '' ? { run: async () => 0 } : { text };
  if (complaint !== undefined) throw new Failure(usageText(complaint, name), 2);
  if (text !== '') return { text };
  if (selected === undefined) throw new Failure(usageText('which command?', undefined), 2);
  return { run: selected };
}

function usageText(complaint: string, name: string | undefined): string {
  const first = complaint.split('\n', 1)[0] ?? complaint;
  const help = name === undefined ? 'ttrace --help' : `ttrace ${name} --help`;
  return `${first.charAt(0).toLowerCase()}${first.slice(1)}\nUsage: see ${help}`;
}

function createParser(): Argv {
  return yargs()
    .scriptName('ttrace')
    .usage(
      'Usage: ttrace <command> [options]\n\nRecords what a Node.js program does on all of its threads, and shows it.',
    )
    .locale('en')
    .wrap(HELP_COLUMNS)
    .parserConfiguration({ 'boolean-negation': false, 'duplicate-arguments-array': false })
    .version(ownVersion())
    .alias('help', 'h')
    .strict()
    .demandCommand(1, 'which command?')
    .exitProcess(false)
    .completion(COMPLETION, 'Print a script for bash or zsh that completes commands and options')
    .epilogue(
      'Exit codes: 0 done, 1 failed, 2 wrong command line. `ttrace run` exits as the program does.\n\n' +
        'Coming from go tool trace: -http=:6060 is ttrace view --port 6060, -pprof=sync is ttrace pprof --type mutex, -d=parsed is ' +
        'ttrace dump, -d=footprint is ttrace footprint.',
    );
}

function ownVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
