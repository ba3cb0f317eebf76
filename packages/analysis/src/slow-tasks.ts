/**
 * Where the time of the slowest tasks of a name went, beside that of all of them: what the slow ones have more of is why they are slow. Each
 * task's time is that of the steps of its critical path, so the means add up to the mean of the tasks.
 */
import { criticalPath, NOTHING_RECORDED, type Step } from './critical-path.ts';
import { counted } from './quantity.ts';
import type { Table } from './table.ts';
import type { Task } from './tasks.ts';
import type { TraceIndex } from './trace-index.ts';

/** Time of one kind, a task, in nanoseconds. */
export interface SlowTimeRow {
  readonly what: string;
  readonly slowNanos: number;
  readonly allNanos: number;
  /** Name of the steps that most of the slow ones' time went into. */
  readonly mostly: string;
}

const SLOWEST = 0.05;
/** Of fewer the slowest 5 % are less than one. */
const LEAST = 20;
/** A critical path takes milliseconds in a trace of millions of events: of more tasks so many are looked at. */
const MOST_LOOKED_AT = 50;

/** Undefined for fewer than 20 tasks that have ended. */
export function slowTasksTable(index: TraceIndex, tasks: readonly Task[]): Table<SlowTimeRow> | undefined {
  const ended = tasks.filter(({ isComplete }) => isComplete);
  if (ended.length < LEAST) return undefined;
  const byLength = ended.sort((a, b) => b.end - b.start - (a.end - a.start));
  const slowest = byLength.slice(0, Math.ceil(SLOWEST * byLength.length));
  const rest = byLength.slice(slowest.length);
  const [slow, other] = [meanTimes(index, evenly(slowest)), meanTimes(index, evenly(rest))];
  const meanOfAll = (what: string): number =>
    ((slow.get(what)?.nanos ?? 0) * slowest.length + (other.get(what)?.nanos ?? 0) * rest.length) /
    byLength.length;
  return {
    id: 'slow-tasks',
    title: `Where the time of the slowest ${counted(slowest.length, 'task')} of ${byLength.length} went`,
    help:
      'Means of the slowest 5 % and of all tasks in this list that have ended, along their critical paths. What the slow ones have more of is why they are slow.' +
      (rest.length > MOST_LOOKED_AT
        ? ` Of the slowest and of the others ${MOST_LOOKED_AT} are looked at, evenly by length, where there are more.`
        : ''),
    columns: [
      { id: 'what', title: 'Time', unit: 'text', help: 'What it went into.', of: ({ what }) => what },
      {
        id: 'slowNanos',
        title: 'Slowest 5 %',
        unit: 'nanos',
        help: 'Mean of the slowest ones.',
        of: ({ slowNanos }) => slowNanos,
      },
      {
        id: 'allNanos',
        title: 'All',
        unit: 'nanos',
        help: 'Mean of all.',
        of: ({ allNanos }) => allNanos,
      },
      {
        id: 'mostly',
        title: 'In the slow ones mostly',
        unit: 'text',
        help: 'Name of the steps that most of it went into.',
        of: ({ mostly }) => mostly,
      },
    ],
    rows: [...new Set([...slow.keys(), ...other.keys()])]
      .map((what) => ({
        what,
        slowNanos: slow.get(what)?.nanos ?? 0,
        allNanos: meanOfAll(what),
        mostly: slow.get(what)?.mostly ?? '',
      }))
      .sort((a, b) => b.slowNanos - b.allNanos - (a.slowNanos - a.allNanos)),
  };
}

/** At most `MOST_LOOKED_AT` of a list, from the middle of parts of one length. */
function evenly<T>(list: readonly T[]): readonly T[] {
  if (list.length <= MOST_LOOKED_AT) return list;
  const step = list.length / MOST_LOOKED_AT;
  return Array.from({ length: MOST_LOOKED_AT }, (_, at) => list[Math.floor((at + 0.5) * step)]!);
}

const WORDS = {
  running: 'running code',
  waiting: 'waiting for locks, queues, pools',
  async: 'awaiting what is recorded',
  message: 'messages on their way',
  gap: 'its thread did something else',
} as const;

function whatOf({ kind, name }: Step): string {
  return kind === 'gap' && name === NOTHING_RECORDED ? 'nothing recorded' : WORDS[kind];
}

interface MeanTime {
  readonly nanos: number;
  readonly mostly: string;
}

function meanTimes(index: TraceIndex, tasks: readonly Task[]): ReadonlyMap<string, MeanTime> {
  const times = new Map<string, Map<string, number>>();
  for (const task of tasks) {
    for (const step of criticalPath(index, task).steps) {
      const what = whatOf(step);
      const names = times.get(what) ?? new Map<string, number>();
      times.set(what, names);
      names.set(step.name, (names.get(step.name) ?? 0) + step.end - step.start);
    }
  }
  return new Map(
    [...times].map(([what, names]) => {
      const [[mostly] = ['']] = [...names].sort(([, a], [, b]) => b - a);
      const sum = [...names.values()].reduce((a, b) => a + b, 0);
      return [what, { nanos: sum / tasks.length, mostly }];
    }),
  );
}
