/** What is wrong with tasks and regions: those that never end, a tail far slower than the rest, and names without bound. */
import { Category, EventKind, OTHER_NAME } from '@ttrace/format';
import { criticalPath, NOTHING_RECORDED, timeByKind } from '../critical-path.ts';
import { sumOf } from '../duration-columns.ts';
import type { Found, Rule } from '../finding.ts';
import { percentile } from '../name-stats.ts';
import { counted, countText, shareText, timeText } from '../quantity.ts';
import { type Task, tasksOf } from '../tasks.ts';
import { tasksTable } from '../tasks-table.ts';
import { labelOfTrack } from '../thread-names.ts';
import type { TraceIndex } from '../trace-index.ts';
import { firedTriggers } from '../triggers.ts';
import { caseOfRow } from '../worst-case.ts';

export const unendedTask: Rule = {
  id: 'unended-task',
  help: 'Tasks without an end in the trace that had begun in the first half of it.',
  find: (index) => {
    const half = (index.start + index.end) / 2;
    const { start, value } = index.trace.columns;
    // Written while things go on: what is open there is late, not forgotten.
    const isMoment = firedTriggers(index.trace).length > 0;
    return byName(tasksOf(index).where((row) => value[row]! < 0 && start[row]! < half)).map((tasks) => {
      const [{ name }] = tasks;
      const oldest = tasks.reduce((a, b) => (b.start < a.start ? b : a));
      return {
        rule: 'unended-task',
        severity: 'medium',
        count: tasks.length,
        costNanos: oldest.end - oldest.start,
        sentence: `${counted(tasks.length, 'task')} ${name} ${isMoment ? 'had not ended when the flight recorder wrote this' : 'never ended'}; the oldest is open for ${timeText(oldest.end - oldest.start)}.`,
        advice: isMoment
          ? 'See in its events what it waited for, or what blocked its thread.'
          : 'End it on every way out, also on errors: withTask does that by itself. If it waits, see what for in its events.',
        worst: caseOfRow(index, oldest.row),
        link: { page: 'tasks/each', filter: { name, complete: false } },
      } satisfies Found;
    });
  },
};

function byName(tasks: readonly Task[]): [Task, ...Task[]][] {
  const groups = new Map<string, [Task, ...Task[]]>();
  for (const task of tasks) {
    const group = groups.get(task.name);
    if (group === undefined) groups.set(task.name, [task]);
    else group.push(task);
  }
  return [...groups.values()];
}

export const openRegion: Rule = {
  id: 'open-region',
  help: 'Regions without an end in the trace that had begun in the first half of it.',
  find: (index) => {
    const { kind, category, value, start } = index.trace.columns;
    const region = index.category(Category.region);
    const half = (index.start + index.end) / 2;
    const open = new Map<string, number[]>();
    for (let row = 0; row < index.trace.length; row++) {
      if (
        kind[row] !== EventKind.slice ||
        category[row] !== region ||
        value[row]! >= 0 ||
        start[row]! >= half
      )
        continue;
      const name = index.nameOf(row);
      open.set(name, [...(open.get(name) ?? []), row]);
    }
    return [...open].map(([name, rows]) => {
      const oldest = rows.reduce((a, b) => (start[b]! < start[a]! ? b : a));
      return {
        rule: 'open-region',
        severity: 'low',
        count: rows.length,
        costNanos: index.end - start[oldest]!,
        sentence: `${counted(rows.length, 'region')} ${name} never ended; the oldest is open for ${timeText(index.end - start[oldest]!)}.`,
        advice: 'End it in a finally block, or use withRegion, which does that by itself.',
        worst: caseOfRow(index, oldest),
        link: { page: 'regions/each', filter: { name, complete: false } },
      } satisfies Found;
    });
  },
};

/** A tail counts from so many tasks on, if its p99 is so many times the p50, and so long at least. */
const TAIL = { tasks: 20, times: 5, nanos: 10e6 };

export const slowTail: Rule = {
  id: 'slow-tail',
  help: `Tasks of one name of which the slowest take ${TAIL.times} times as long as half of them, from ${TAIL.tasks} tasks on; says what the slowest one spent its time on.`,
  find: (index) =>
    tasksTable(index).rows.flatMap(({ name, durations, longest }) => {
      const p50 = percentile(durations, 50);
      const p99 = percentile(durations, 99);
      if (durations.length < TAIL.tasks || p99 < TAIL.times * p50 || p99 < TAIL.nanos) return [];
      return [
        {
          rule: 'slow-tail',
          severity: p99 >= 100e6 ? 'high' : 'medium',
          count: durations.filter((each) => each >= p99).length,
          costNanos: p99,
          sentence: `The slowest tasks ${name} take far longer than the rest: p99 ${timeText(p99)}, p50 ${timeText(p50)}. The slowest one (${timeText(longest.end - longest.start)}) ${mostly(index, longest)}.`,
          advice: `Look at its critical path: ttrace critical-path --task '#${longest.number}'.`,
          worst: caseOfRow(index, longest.row),
          link: { page: 'critical-path', filter: { task: `#${longest.number}` } },
        } satisfies Found,
      ];
    }),
};

const SPENT = {
  running: 'ran code',
  waiting: 'waited for a lock, a queue or a pool',
  async: 'awaited something recorded',
  message: 'had a message on its way',
  gap: 'did nothing that is recorded',
} as const;

/** What a task did for most of its time: its longest step, or the kind of steps. */
export function mostly(index: TraceIndex, task: Task): string {
  const path = criticalPath(index, task);
  const total = Math.max(1, task.end - task.start);
  const longest = path.steps.reduce((a, b) => (b.end - b.start > a.end - a.start ? b : a), path.steps[0]!);
  if (longest === undefined) return 'is too short to say what it did';
  const share = (longest.end - longest.start) / total;
  // Messages and gaps name their threads themselves.
  const isNamed = longest.kind === 'message' || longest.kind === 'gap' || longest.thread === '';
  const thread = longest.row < 0 ? '' : labelOfTrack(index, index.trace.columns.track[longest.row]!);
  const step = `${longest.name}${isNamed ? '' : ` on ${thread || longest.thread}`}`;
  if (share >= 0.5) return `spent ${shareText(share)} of that on one step: ${step}`;
  const [kind, time] = Object.entries(timeByKind(path)).reduce((a, b) => (b[1] > a[1] ? b : a));
  return `${SPENT[kind as keyof typeof SPENT]} for ${shareText(time / total)} of that; its longest step was ${step}`;
}

/** Tasks that take so long, half of them and in all at least, and wait for one thing for most of it, which may be nothing that is recorded. */
const WAITING = { tasks: 3, nanos: 20e6, totalNanos: 500e6, share: 0.8 };

export const mostlyWaiting: Rule = {
  id: 'mostly-waiting',
  help: `Tasks of one name, from ${WAITING.tasks} on, of which half take ${timeText(WAITING.nanos)} and more, and the one in the middle spends ${shareText(WAITING.share)} of its time awaiting one thing, such as a service or a database, or nothing that is recorded.`,
  find: (index) =>
    tasksTable(index).rows.flatMap(({ name, durations }) => {
      const p50 = percentile(durations, 50);
      const total = sumOf(durations);
      if (durations.length < WAITING.tasks || p50 < WAITING.nanos || total < WAITING.totalNanos) return [];
      const { name: names, value } = index.trace.columns;
      const id = index.trace.strings.find(name);
      const [middle] = tasksOf(index).where((row) => names[row] === id && value[row] === p50);
      if (middle === undefined) return [];
      const awaited = mostlyAwaited(index, middle);
      if (awaited === undefined || awaited.nanos < WAITING.share * p50) return [];
      const { what, nanos, times } = awaited;
      const share = shareText(nanos / p50);
      const isKnown = what !== NOTHING_RECORDED;
      const timer = isKnown ? undefined : timerLength(index, id);
      const spent = isKnown
        ? `${share} of that waiting for ${what}${times > 1 ? `, ${times} times one after another` : ''}`
        : `${share} of that on nothing that is recorded: no code, lock or message of it${timer === undefined ? '' : `, and always for ${timeText(timer)}, as with a timer`}`;
      const path = `ttrace critical-path --task '#${middle.number}'`;
      const advice = !isKnown
        ? `It awaits what the trace does not show, such as a timer${timer === undefined ? '' : ' (setTimeout, a pause between tries, a poll)'}, a file or a library; often one after another what could go on side by side (Promise.all). Record again with --sources pool (files, crypto, zlib, DNS), or put withRegion around what it awaits. One in the middle: ${path}.`
        : times > 1
          ? `Ask once for all of it, or side by side (Promise.all) for what does not depend on the answer before. One in the middle: ${path}.`
          : `The other end takes that long: look there, ask for less, or keep its answers. One in the middle: ${path}.`;
      return [
        {
          rule: 'mostly-waiting',
          severity: 'medium',
          count: durations.length,
          costNanos: total,
          sentence: `Half of the ${counted(durations.length, 'task')} ${name} take ${timeText(p50)} and more, and such a one spends ${spent}.`,
          advice,
          worst: caseOfRow(index, middle.row),
          link: { page: 'critical-path', filter: { task: `#${middle.number}` } },
        } satisfies Found,
      ];
    }),
};

/**
 * Stretches are a timer's if so many of so many tasks are equally long, but for what a timer is late; of other waits nine of ten are not. Shorter
 * ones are not looked at, so they must be a small share of the time: else the long ones are only the end of waits of any length.
 */
const TIMER = { stretches: 5, tasks: 20, nanos: 15e6, late: 2e6, share: 0.9 };

/** How long what is not recorded takes in tasks of a name, where that is always the same. @param id of the name's string. */
function timerLength(index: TraceIndex, id: number): number | undefined {
  const { name, value } = index.trace.columns;
  const tasks = tasksOf(index);
  const places = tasks.places((row) => name[row] === id && value[row]! >= 0);
  const step = Math.max(1, places.length / TIMER.tasks);
  const stretches: number[] = [];
  let [long, all] = [0, 0];
  for (let at = 0; at < places.length; at += step) {
    for (const each of criticalPath(index, tasks.at(places[Math.floor(at)]!)).steps) {
      const length = each.end - each.start;
      if (each.name !== NOTHING_RECORDED) continue;
      all += length;
      if (length < TIMER.nanos) continue;
      long += length;
      stretches.push(length);
    }
  }
  if (stretches.length < TIMER.stretches || long < TIMER.share * all) return undefined;
  const sorted = Float64Array.from(stretches).sort();
  return percentile(sorted, 90) - percentile(sorted, 10) <= TIMER.late ? percentile(sorted, 50) : undefined;
}

/** What is done for a task elsewhere; a region around it says nothing new. */
const ELSEWHERE = [Category.http, Category.socket, Category.pool, Category.process];

/** What a task awaited longest on its critical path, taken together by name: something that is done elsewhere, or nothing that is recorded. */
function mostlyAwaited(
  index: TraceIndex,
  task: Task,
): { readonly what: string; readonly nanos: number; readonly times: number } | undefined {
  const found = new Map<string, { what: string; nanos: number; times: number }>();
  const { category } = index.trace.columns;
  const elsewhere = new Set(ELSEWHERE.map((each) => index.category(each)));
  for (const { name, start, end, row } of criticalPath(index, task).steps) {
    if (name !== NOTHING_RECORDED && (row < 0 || !elsewhere.has(category[row]!))) continue;
    const sum = found.get(name) ?? { what: name, nanos: 0, times: 0 };
    found.set(name, sum);
    sum.nanos += end - start;
    sum.times++;
  }
  return [...found.values()].sort((a, b) => b.nanos - a.nanos)[0];
}

/** Reports that group by name help nobody with more names than this. */
const MANY_NAMES = 1000;

export const unboundedNames: Rule = {
  id: 'unbounded-names',
  help: `More than ${countText(MANY_NAMES)} different names of tasks or regions, or so many that the recorder gave up telling them apart.`,
  find: (index) =>
    [Category.task, Category.region].flatMap((what) => {
      const { kind, category, name } = index.trace.columns;
      const wanted = index.category(what);
      const isKnown = new Uint8Array(index.trace.strings.size);
      let names = 0;
      let example = 0;
      let others = 0;
      const other = index.trace.strings.find(OTHER_NAME);
      for (let row = 0; row < index.trace.length; row++) {
        if (category[row] !== wanted || kind[row] !== EventKind.slice) continue;
        const id = name[row]!;
        if (id === other) others++;
        if (isKnown[id] === 1) continue;
        isKnown[id] = 1;
        names++;
        example = id;
      }
      if (names <= MANY_NAMES && others === 0) return [];
      return [
        {
          rule: 'unbounded-names',
          severity: 'low',
          count: names,
          costNanos: 0,
          sentence: `There are ${countText(names)} names of ${what}s, such as ${JSON.stringify(index.trace.strings.text(example).slice(0, 60))}${others > 0 ? `, and ${countText(others)} more ${what}s whose names were not kept` : ''}.`,
          advice: 'Name what kind of thing it is, and put ids, paths and numbers into attributes.',
          worst: undefined,
          link: { page: what === Category.task ? 'tasks' : 'regions', filter: {} },
        } satisfies Found,
      ];
    }),
};
