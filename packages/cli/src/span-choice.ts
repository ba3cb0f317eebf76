/** Which part of a trace becomes spans, from the options that narrow it. */
import { type Filter, indexOf, rowFilter, rowsOfTasks, tasksCalled } from '@ttrace/analysis';
import { Category, type Trace } from '@ttrace/format';
import type { SpanChoice } from '@ttrace/otel/otlp';
import { Failure } from './failure.ts';
import { checkThread } from './filter-options.ts';

/** Fields of a filter by which an export goes. */
export const SPAN_FILTER: readonly (keyof Filter)[] = ['from', 'to', 'thread', 'task', 'min'];

/** @throws Failure where the trace has no such thread, task or category. */
export function spanChoice(
  trace: Trace,
  { task, min, ...filter }: Filter,
  categories: readonly string[],
): SpanChoice {
  checkThread(trace, filter);
  const isNarrow = Object.values(filter).some((value) => value !== undefined);
  const tests = [
    ...(isNarrow ? [rowFilter(indexOf(trace), filter)] : []),
    ...(task === undefined ? [] : [ofTask(trace, task)]),
  ];
  return {
    ...(tests.length === 0 ? {} : { isWanted: (row: number) => tests.every((test) => test(row)) }),
    ...(min === undefined ? {} : { minNanos: min }),
    ...(categories.length === 0 ? {} : { categories: knownCategories(trace, categories) }),
  };
}

/** Its descendants too: they are one tree of spans. */
function ofTask(trace: Trace, task: string): (row: number) => boolean {
  const index = indexOf(trace);
  const tasks = tasksCalled(index, task);
  if (tasks.length > 0) return rowsOfTasks(index, tasks);
  throw new Failure(`there is no task ${task} in the trace: ttrace tasks lists the names of its tasks`);
}

function knownCategories({ columns, strings, length }: Trace, wanted: readonly string[]): Set<string> {
  const ids = new Set<number>();
  for (let row = 0; row < length; row++) ids.add(columns.category[row]!);
  const known = new Set([...ids].map((id) => strings.text(id)));
  // One of ttrace's own that this trace has nothing of is no mistake.
  const own = new Set<string>(Object.values(Category));
  const missing = wanted.find((category) => !known.has(category) && !own.has(category));
  if (missing === undefined) return new Set(wanted);
  const list = [...known].filter((category) => category !== '').sort();
  throw new Failure(`there is no category ${missing} in the trace, only ${list.join(', ')}`);
}
