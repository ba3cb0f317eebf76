/** Errors that nothing caught: they end a process or a thread, or leave what it did half done, and no figure of time tells of them. */
import { Argument, Category, EventKind } from '@ttrace/format';
import type { Found, Rule } from '../finding.ts';
import { counted } from '../quantity.ts';
import { type Frame, parseFrame } from '../stack-frame.ts';
import { tasksOf } from '../tasks.ts';
import { labelOfTrack } from '../thread-names.ts';
import type { TraceIndex } from '../trace-index.ts';
import { caseOfRow } from '../worst-case.ts';

export const uncaughtError: Rule = {
  id: 'uncaught-error',
  help: 'Errors and rejections that reached the process because nothing caught them, also where a listener of the process took them.',
  find: (index) =>
    [...errorsByName(index)].map(([name, rows]) => {
      const [first] = rows;
      const frame = frameOf(index, first);
      return {
        rule: 'uncaught-error',
        severity: 'high',
        count: rows.length,
        costNanos: 0,
        sentence: `Nothing caught ${name} on ${threadName(index, first)}${during(index, first)}${placeOf(index, first)}${rows.length === 1 ? '' : `, ${counted(rows.length, 'time')} in all`}.`,
        advice:
          'Catch it where it is known what to do, and await every promise; the stack is in the event on the timeline.',
        worst: {
          ...caseOfRow(index, first),
          function: frame?.name ?? '',
          location: frame === undefined || frame.line === 0 ? '' : `${frame.file}:${frame.line}`,
        },
        link: undefined,
      } satisfies Found;
    }),
};

/** Rows by the error's name and message; at least one each. */
function errorsByName(index: TraceIndex): Map<string, [number, ...number[]]> {
  const { kind } = index.trace.columns;
  const groups = new Map<string, [number, ...number[]]>();
  for (const row of index.rowsOf(Category.error)) {
    if (kind[row] !== EventKind.instant) continue;
    const name = index.nameOf(row);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return groups;
}

function threadName(index: TraceIndex, row: number): string {
  const track = index.trace.columns.track[row]!;
  return labelOfTrack(index, track) || index.trace.tracks[track]!.name;
}

function during(index: TraceIndex, row: number): string {
  const name = tasksOf(index).byNumber(index.taskOf(row))?.name;
  return name === undefined ? '' : ` during ${name}`;
}

function placeOf(index: TraceIndex, row: number): string {
  const top = topOf(index, row);
  return top === undefined ? '' : `, at ${top}`;
}

function frameOf(index: TraceIndex, row: number): Frame | undefined {
  const top = topOf(index, row);
  return top === undefined ? undefined : parseFrame(top);
}

/** The innermost frame of its stack, as text. */
function topOf(index: TraceIndex, row: number): string | undefined {
  const stack = index.argsOf(row)[Argument.stack];
  return Array.isArray(stack) && typeof stack[0] === 'string' ? stack[0] : undefined;
}
