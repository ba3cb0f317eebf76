/** The options by which commands take a part of a trace. The viewer's pages take the same, under the same names. */
import { FILTER_NAMES, type Filter, indexOf, isThreadWanted } from '@ttrace/analysis';
import type { Trace } from '@ttrace/format';
import type { Argv } from 'yargs';
import { Failure } from './failure.ts';
import { timeValue } from './option-values.ts';

/** What yargs makes of the options that every part of a trace has. */
interface StretchOptions {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly thread: string | undefined;
}

/** What yargs makes of all of them. */
export interface FilterOptions extends StretchOptions {
  readonly task: string | undefined;
  readonly name: string | undefined;
  readonly min: string | undefined;
  readonly max: string | undefined;
  readonly text: string | undefined;
  readonly attribute: string | undefined;
  readonly complete: boolean | undefined;
}

const text = (describe: string) => ({ type: 'string' as const, describe, requiresArg: true });

/** Adds `--from`, `--to` and `--thread`. */
export function addStretchOptions<T>(parser: Argv<T>): Argv<T & StretchOptions> {
  return parser
    .option('from', text('Only what is there from this time on: 1.5s, 300ms, since the first event'))
    .option('to', text('Only what is there up to this time'))
    .option('thread', text('Only this thread: its name, tid, or pid/tid')) as Argv<T & StretchOptions>;
}

/** Adds `--from`, `--to`, `--thread`, `--task`, `--name`, `--min`, `--max`, `--text`, `--attribute` and `--complete`; help shows those of `fields`. */
export function addFilterOptions<T>(
  parser: Argv<T>,
  fields: readonly (keyof Filter)[] = FILTER_NAMES,
): Argv<T & FilterOptions> {
  const added = addStretchOptions(parser)
    .option('task', text('Only what belongs to tasks of this name, or to the task #ID'))
    .option('name', text('Only rows of this name'))
    .option('min', text('Only what lasted for so long: 5ms'))
    .option('max', text('Only what lasted for less than this'))
    .option('text', text('Only what has this text in its name or arguments'))
    .option('attribute', text('Only what has this argument: status=500'))
    .option('complete', {
      type: 'boolean',
      describe: 'Only what has ended; with --complete false only what has not',
    }) as Argv<T & FilterOptions>;
  for (const field of FILTER_NAMES) if (!fields.includes(field)) added.hide(field);
  return added;
}

/** @throws Failure for what is no time, and for a field that the table does not go by: what is ignored would look like an answer. */
export function filterOf(options: FilterOptions, fields: readonly (keyof Filter)[] = FILTER_NAMES): Filter {
  const { task, name, text, attribute, complete } = options;
  const other = FILTER_NAMES.find((field) => options[field] !== undefined && !fields.includes(field));
  if (other !== undefined) {
    const known = fields.map((field) => `--${field}`).join(', ');
    throw new Failure(`--${other} does not narrow this table, only ${known}`, 2);
  }
  return {
    ...stretchFilterOf(options),
    task,
    name,
    min: time(options.min, '--min'),
    max: time(options.max, '--max'),
    text,
    attribute,
    complete,
  };
}

/** Of `--from`, `--to` and `--thread`. @throws Failure for what is no time. */
export function stretchFilterOf({ thread, ...options }: StretchOptions): Filter {
  const [from, to] = [time(options.from, '--from'), time(options.to, '--to')];
  if (from !== undefined && to !== undefined && from >= to)
    throw new Failure('--from must be before --to', 2);
  return { from, to, thread };
}

function time(text: string | undefined, option: string): number | undefined {
  return text === undefined ? undefined : timeValue(text, option);
}

const MOST_NAMES = 8;

/** @throws Failure when the trace has no such thread: an empty table would say that it did nothing. */
export function checkThread(trace: Trace, filter: Filter): void {
  const { threads } = indexOf(trace);
  if (filter.thread === undefined || threads.some((thread) => isThreadWanted(filter, thread))) return;
  const names = [...new Set(threads.map(({ name }) => name))];
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  throw new Failure(
    `there is no thread ${filter.thread}, only ${names.slice(0, MOST_NAMES).join(', ')}${more}`,
    2,
  );
}
