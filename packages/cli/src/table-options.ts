/** The options of every command that prints a table. */

import type { Argv } from 'yargs';
import { repeatable } from './command.ts';
import { DEFAULT_CHARACTERS, type TableOptions } from './printed-table.ts';

/** As yargs has them before it adds their names in camel case. */
type TableFlags = Omit<TableOptions, 'maxChars' | 'where'> & { readonly 'max-chars': number };

/** Adds `--top`, `--sort`, `--json`, `--csv`, `--md`, `--max-chars` and `--explain`. */
export function addTableOptions<T>(parser: Argv<T>, top = 20): Argv<T & TableFlags> {
  return parser
    .option('top', {
      type: 'number',
      default: top,
      describe: 'Most rows, in text and Markdown',
      requiresArg: true,
    })
    .option('sort', { type: 'string', describe: 'Column to sort by, as --json names it', requiresArg: true })
    .option('json', {
      type: 'boolean',
      default: false,
      describe: 'Print all rows as JSON, times in nanoseconds',
    })
    .option('csv', {
      type: 'boolean',
      default: false,
      describe: 'Print all rows as CSV, times in nanoseconds',
    })
    .option('md', {
      type: 'boolean',
      default: false,
      describe: 'Print Markdown, for a pull request or a coding agent',
    })
    .option('max-chars', {
      type: 'number',
      default: DEFAULT_CHARACTERS,
      describe: 'With --md: most characters; rows that do not fit are left out and counted',
      requiresArg: true,
    })
    .option('explain', { type: 'boolean', default: false, describe: 'Print what each column means' }) as Argv<
    T & TableFlags
  >;
}

/** Adds `--where`, for commands that print the rows of a table and nothing else. */
export function addWhere<T>(parser: Argv<T>): Argv<T & { readonly where: string[] }> {
  return repeatable(parser, ['where']).option('where', {
    type: 'string',
    array: true,
    default: [],
    describe:
      'Only rows of which a column is so: "total>5ms", "region~parse", "count>=10"; all that are given count',
    requiresArg: true,
  }) as Argv<T & { readonly where: string[] }>;
}

/** Adds the positional argument that nearly every command has. */
export function addFile<T>(parser: Argv<T>): Argv<T & { readonly file: string }> {
  return parser.positional('file', {
    type: 'string',
    demandOption: true,
    describe: 'A trace: JSON, protobuf, .cpuprofile or text, also .gz',
  }) as Argv<T & { readonly file: string }>;
}
