/**
 * Which part of a trace a question is about. One form for commands (`--from 1s --task order`) and pages (`?from=1s&task=order`), so that
 * every link, table and command means the same rows.
 */
import { EventKind } from '@ttrace/format';
import { argumentText, attributesLine } from './attributes.ts';
import { tasksOf } from './tasks.ts';
import type { TraceIndex } from './trace-index.ts';

/** All that is left out does not narrow. What is given must all hold. */
export interface Filter {
  /** Nanoseconds since the first event. A slice is in a stretch that it overlaps. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Name, tid or pid/tid of a thread. */
  readonly thread?: string | undefined;
  /** Name of a task, or its number as `#17`: what belongs to such a task, not to its subtasks. */
  readonly task?: string | undefined;
  /** Name of a region, of a wait, or whatever else the table lists by name. */
  readonly name?: string | undefined;
  /** Shortest and longest duration, in nanoseconds; the longest itself is not in. Slices without an end are in neither. */
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** What the name or the arguments contain, in any case; of an argument also as `url=/orders`. */
  readonly text?: string | undefined;
  /** An argument's name and value as text: `status=500`. */
  readonly attribute?: string | undefined;
  /** Whether it has ended. */
  readonly complete?: boolean | undefined;
}

/** Its fields, in the order of options and addresses. */
export const FILTER_NAMES: readonly (keyof Filter)[] = [
  'from',
  'to',
  'thread',
  'task',
  'name',
  'min',
  'max',
  'text',
  'attribute',
  'complete',
];

/** Tells rows that a filter lets through. Slow parts, such as text, are looked at once a string. */
export function rowFilter(index: TraceIndex, filter: Filter): (row: number) => boolean {
  const tests = [
    timeTest(index, filter),
    threadTest(index, filter),
    taskTest(index, filter),
    nameTest(index, filter),
    durationTest(index, filter),
    textTest(index, filter),
    attributeTest(index, filter),
  ].filter((test) => test !== undefined);
  const [first, second] = tests;
  if (first === undefined) return () => true;
  if (second === undefined) return first;
  return (row) => tests.every((test) => test(row));
}

/** Whether a filter narrows anything. */
export function isNarrowing(filter: Filter): boolean {
  return Object.values(filter).some((value) => value !== undefined);
}

/** What a function finds in the whole trace is kept: several tables and rules ask for it. In a part of it it looks anew. */
export function keptIfWhole<T>(
  index: TraceIndex,
  filter: Filter,
  find: (index: TraceIndex, filter?: Filter) => T,
): T {
  return isNarrowing(filter) ? find(index, filter) : index.once(find);
}

/** The stretch of a filter, in nanoseconds since the trace's origin: the whole trace without one. */
export function stretchOf(index: TraceIndex, { from, to }: Filter): { start: number; end: number } {
  return {
    start: from === undefined ? index.start : index.start + from,
    end: to === undefined ? index.end : index.start + to,
  };
}

/** Whether a thread is the one that a filter names; all are where it names none. */
export function isThreadWanted(
  { thread }: Filter,
  of: { readonly name: string; readonly pid: number; readonly tid: number },
): boolean {
  return (
    thread === undefined ||
    of.name === thread ||
    String(of.tid) === thread ||
    `${of.pid}/${of.tid}` === thread
  );
}

type Test = (row: number) => boolean;

function timeTest(index: TraceIndex, filter: Filter): Test | undefined {
  if (filter.from === undefined && filter.to === undefined) return undefined;
  const { start, end } = stretchOf(index, filter);
  const { kind, start: begin } = index.trace.columns;
  return (row) =>
    begin[row]! <= end && (kind[row] === EventKind.slice ? index.endOf(row) : begin[row]!) >= start;
}

function threadTest(index: TraceIndex, filter: Filter): Test | undefined {
  if (filter.thread === undefined) return undefined;
  const { track } = index.trace.columns;
  // The life of a worker is called as the worker, and is not on its thread.
  const threads = new Set(index.threads.map(({ name }) => name));
  const isWanted = index.trace.tracks.map(({ name, pid }, at) => {
    const thread = index.threadOf(at) ?? (threads.has(name) ? undefined : { name, pid, tid: -1 });
    return thread !== undefined && isThreadWanted(filter, thread);
  });
  return (row) => isWanted[track[row]!]!;
}

function taskTest(index: TraceIndex, { task }: Filter): Test | undefined {
  if (task === undefined) return undefined;
  const id = /^#(\d+)$/.exec(task)?.[1];
  if (id !== undefined) return (row) => index.taskOf(row) === Number(id);
  const wanted = new Set(
    tasksOf(index)
      .where((row) => index.nameOf(row) === task)
      .map(({ number }) => number),
  );
  return (row) => wanted.has(index.taskOf(row));
}

function nameTest(index: TraceIndex, { name }: Filter): Test | undefined {
  if (name === undefined) return undefined;
  const wanted = index.trace.strings.find(name);
  return (row) => index.trace.columns.name[row] === wanted;
}

function durationTest(index: TraceIndex, { min, max, complete }: Filter): Test | undefined {
  if (min === undefined && max === undefined && complete === undefined) return undefined;
  const { kind, value } = index.trace.columns;
  const low = min ?? (max === undefined ? -Infinity : 0);
  const high = max ?? Infinity;
  return (row) => {
    if (kind[row] !== EventKind.slice) return min === undefined && max === undefined;
    const duration = value[row]!;
    return duration >= low && duration < high && (complete === undefined || duration >= 0 === complete);
  };
}

function textTest(index: TraceIndex, { text }: Filter): Test | undefined {
  if (text === undefined) return undefined;
  const { name, args } = index.trace.columns;
  const wanted = text.toLowerCase();
  const contains = onceAString(index, (each) => {
    const given = each.toLowerCase();
    return given.includes(wanted) || hasPair(given, wanted);
  });
  return (row) => contains(name[row]!) || contains(args[row]!);
}

/** Whether arguments have what is typed as tables show them: `url=/orders/17`. Only those that have its words are parsed. */
function hasPair(args: string, wanted: string): boolean {
  if (!wanted.includes('=') || !args.startsWith('{')) return false;
  const words = wanted.split(/[=\s]+/).filter((word) => /^[\w./?&-]+$/.test(word));
  return words.every((word) => args.includes(word)) && attributesLine(args).includes(wanted);
}

function attributeTest(index: TraceIndex, { attribute }: Filter): Test | undefined {
  if (attribute === undefined) return undefined;
  const at = attribute.indexOf('=');
  const name = at < 0 ? attribute : attribute.slice(0, at);
  const wanted = at < 0 ? undefined : attribute.slice(at + 1);
  const { args } = index.trace.columns;
  const holds = onceAString(index, (each) => {
    if (!each.includes(`"${name}"`)) return false;
    const value = attributeOf(each, name);
    return value !== undefined && (wanted === undefined || value === wanted);
  });
  return (row) => holds(args[row]!);
}

function attributeOf(text: string, name: string): string | undefined {
  try {
    const value = (JSON.parse(text) as Record<string, unknown> | null)?.[name];
    return value === undefined ? undefined : argumentText(value);
  } catch {
    return undefined;
  }
}

/** Asks once for each distinct string. */
function onceAString(index: TraceIndex, ask: (text: string) => boolean): (id: number) => boolean {
  // 1: yes, 2: no.
  const answers = new Uint8Array(index.trace.strings.size);
  return (id) => {
    if (answers[id] === 0) answers[id] = ask(index.trace.strings.text(id)) ? 1 : 2;
    return answers[id] === 1;
  };
}
