/**
 * What a command is: a name, its options, and a function that does the work and returns the exit code. Parsing and work are
 * apart, so that everything yargs complains about is a usage error and everything else is not.
 */
import type { ArgumentsCamelCase, Argv } from 'yargs';

/** Exit code of a command. 0: done; 1: it failed, or `validate` found errors; 2: the command line is wrong. */
export type ExitCode = number;

/** A command whose options have the type T. */
export interface CommandDefinition<T> {
  /** Name and positional arguments in yargs' words: `view <file>`. */
  readonly usage: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly options: (parser: Argv) => Argv<T>;
  readonly run: (options: ArgumentsCamelCase<T>) => Promise<ExitCode>;
}

/** A command with its options' type hidden. */
export interface Command {
  readonly name: string;
  /** Adds the command to a parser, which calls `select` when the command line names it and is right. */
  readonly register: (parser: Argv, select: (run: () => Promise<ExitCode>) => void) => void;
}

/** Makes a command that a parser can take. */
export function defineCommand<T>({ usage, summary, options, run }: CommandDefinition<T>): Command {
  const name = usage.split(' ', 1)[0] ?? usage;
  return {
    name,
    register: (parser, select) => {
      parser.command(usage, summary, options, (parsed) => select(() => run(parsed)));
    },
  };
}

/** Options of each parser that may be given several times. */
const repeatableNames = new WeakMap<object, Set<string>>();

/** Lets these options, of type array, be given several times with one value each; all others still only once. May be called again for more. */
export function repeatable<T>(parser: Argv<T>, names: readonly string[]): Argv<T> {
  const known = repeatableNames.get(parser);
  if (known !== undefined) {
    for (const name of names) known.add(name);
    return parser;
  }
  const all = new Set(['_', ...names]);
  repeatableNames.set(parser, all);
  return parser
    .parserConfiguration({
      'boolean-negation': false,
      'duplicate-arguments-array': true,
      'greedy-arrays': false,
    })
    .check((parsed) => {
      for (const [name, value] of Object.entries(parsed)) {
        if (Array.isArray(value) && !all.has(name)) throw new Error(`--${name} can be given only once`);
      }
      return true;
    });
}
