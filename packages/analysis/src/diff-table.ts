/**
 * What changed between two traces: tasks, regions, blocks, waits and collections by name, how often and how long. Meant for two recordings of
 * the same work; a name that only one has is shown, and never counts as slower.
 */
import { type Block, blocksOf, groupedBlocks, plainFunction } from './blocks.ts';
import { gcDurations } from './gc-durations.ts';
import { type LockRow, locksTable } from './locks-table.ts';
import { isWordWait } from './memory-words.ts';
import { percentile } from './name-stats.ts';
import { regionsTable } from './regions-table.ts';
import { isSurelyLonger } from './significance.ts';
import type { Cell, Column, Table } from './table.ts';
import { tasksTable } from './tasks-table.ts';
import type { TraceIndex } from './trace-index.ts';

export const DIFF_METRICS = ['p50', 'p95', 'p99', 'max', 'total', 'count'] as const;
export type DiffMetric = (typeof DIFF_METRICS)[number];

/** What lies between the others, not at an end of them: chance moves it little. */
const PERCENTILES: ReadonlyMap<DiffMetric, number> = new Map([
  ['p50', 50],
  ['p95', 95],
  ['p99', 99],
]);

/** Figures of one name in one trace. Times in nanoseconds. */
export type DiffFigures = Readonly<Record<DiffMetric, number>>;

export interface DiffRow {
  readonly kind: 'task' | 'region' | 'block' | 'wait' | 'gc';
  readonly name: string;
  /** Undefined in the trace that has none. */
  readonly before: DiffFigures | undefined;
  readonly after: DiffFigures | undefined;
  /** Whether the metric got worse by more than the threshold, and not by chance. */
  readonly isWorse: boolean;
  /** Whether it got worse by more than the threshold, but chance alone may have done it. Never for `max`, `total` and `count`. */
  readonly isUnsure: boolean;
}

/** What is known of one name in one trace. */
interface Known {
  readonly figures: DiffFigures;
  /** Sorted. */
  readonly durations: Float64Array;
}

export interface DiffOptions {
  /** What is compared. Default `p95`. */
  readonly metric?: DiffMetric;
  /** From this relative change on it is worse: 0.1 = 10 %. Default 0.1. */
  readonly threshold?: number;
  /** A change of less time than this is none, in nanoseconds; for counts it has no meaning. Default 1 ms. */
  readonly minNanos?: number;
}

/** What changed from one trace to another; the largest change of the metric first, what is the same is left out. */
export function diffTable(before: TraceIndex, after: TraceIndex, options: DiffOptions = {}): Table<DiffRow> {
  const { metric = 'p95', threshold = 0.1, minNanos = 1e6 } = options;
  const old = before.once(figuresOf);
  const recent = after.once(figuresOf);
  const rows: DiffRow[] = [];
  for (const key of new Set([...old.keys(), ...recent.keys()])) {
    const [kind, name] = splitKey(key);
    const [a, b] = [old.get(key), recent.get(key)];
    if (a !== undefined && b !== undefined && DIFF_METRICS.every((id) => a.figures[id] === b.figures[id])) {
      continue;
    }
    const isLarger = isLargerBy(a?.figures, b?.figures, metric, threshold, minNanos);
    const isSure = !isLarger || isNoChance(a!, b!, metric);
    rows.push({
      kind,
      name,
      before: a?.figures,
      after: b?.figures,
      isWorse: isLarger && isSure,
      isUnsure: !isSure,
    });
  }
  const change = (row: DiffRow): number => Math.abs((row.after?.[metric] ?? 0) - (row.before?.[metric] ?? 0));
  rows.sort((a, b) => Number(b.isWorse) - Number(a.isWorse) || change(b) - change(a));
  return {
    id: 'diff',
    title: 'Changes',
    help: `What changed from the first trace to the second, by name. Worse is what has a ${metric} more than ${Math.round(threshold * 100)} % larger${PERCENTILES.has(metric) ? ', where chance alone does not do that' : ''}.`,
    columns: columnsFor(metric),
    rows,
  };
}

function isNoChance(before: Known, after: Known, metric: DiffMetric): boolean {
  // Where none was, as of all blocks, any is one too many; where none has ended, nothing is known.
  if (before.figures.count === 0) return true;
  const percentile = PERCENTILES.get(metric);
  return percentile === undefined || isSurelyLonger(before.durations, after.durations, percentile);
}

function isLargerBy(
  before: DiffFigures | undefined,
  after: DiffFigures | undefined,
  metric: DiffMetric,
  threshold: number,
  minNanos: number,
): boolean {
  if (before === undefined || after === undefined) return false;
  const more = after[metric] - before[metric];
  return more > threshold * before[metric] && (metric === 'count' ? more > 0 : more >= minNanos);
}

function columnsFor(metric: DiffMetric): Column<DiffRow>[] {
  const figure = (id: DiffMetric, side: 'before' | 'after'): Column<DiffRow> => ({
    id: `${side}${id[0]!.toUpperCase()}${id.slice(1)}${id === 'count' ? '' : 'Nanos'}`,
    title: `${id === 'total' ? 'Total' : id === 'max' ? 'Max' : id === 'count' ? 'Count' : id} ${side}`,
    unit: id === 'count' ? 'count' : 'nanos',
    help: `${id} in the ${side === 'before' ? 'first' : 'second'} trace.`,
    of: (row) => row[side]?.[id],
  });
  const shown: DiffMetric[] = ['count', metric === 'count' ? 'p95' : metric];
  const relative = ({ before, after }: DiffRow): Cell =>
    before === undefined || after === undefined || before[metric] === 0
      ? undefined
      : after[metric] / before[metric] - 1;
  return [
    { id: 'kind', title: 'Kind', unit: 'text', help: 'What has the name.', of: ({ kind }) => kind },
    {
      id: 'name',
      title: 'Name',
      unit: 'text',
      help: 'Name of the tasks, regions, blocks, waits or collections.',
      of: ({ name }) => name,
    },
    ...shown.flatMap((id) => [figure(id, 'before'), figure(id, 'after')]),
    {
      id: 'change',
      title: `${metric} change`,
      unit: metric === 'count' ? 'number' : 'nanos',
      help: `How much larger the ${metric} is in the second trace.`,
      of: ({ before, after }) =>
        before === undefined || after === undefined ? undefined : after[metric] - before[metric],
    },
    {
      id: 'changeShare',
      title: 'Change',
      unit: 'share',
      help: 'The same as a part of what it was.',
      of: relative,
    },
    {
      id: 'verdict',
      title: 'Verdict',
      unit: 'text',
      help: 'worse: by more than the threshold; unsure: the same, but chance alone may have done it; new, gone: in one trace alone.',
      of: verdictOf,
    },
    ...(['p50', 'p95', 'p99'] as const)
      .filter((id) => !shown.includes(id))
      .flatMap((id) => [figure(id, 'before'), figure(id, 'after')]),
  ];
}

function verdictOf({ before, after, isWorse, isUnsure }: DiffRow): string {
  if (before === undefined) return 'new';
  if (after === undefined) return 'gone';
  return isWorse ? 'worse' : isUnsure ? 'unsure' : '';
}

/** What is known by kind and name. */
function figuresOf(index: TraceIndex): Map<string, Known> {
  const known = new Map<string, Known>();
  const add = (
    kind: DiffRow['kind'],
    name: string,
    durations: Float64Array,
    count = durations.length,
  ): void => {
    const figures = {
      count,
      total: durations.reduce((sum, each) => sum + each, 0),
      p50: percentile(durations, 50),
      p95: percentile(durations, 95),
      p99: percentile(durations, 99),
      max: percentile(durations, 100),
    };
    known.set(`${kind}\n${name}`, { figures, durations });
  };
  for (const { name, durations, unfinished } of tasksTable(index).rows) {
    add('task', name, durations, durations.length + unfinished);
  }
  for (const { name, durations, unfinished } of regionsTable(index).rows) {
    add('region', name, durations, durations.length + unfinished);
  }
  for (const [name, blocks] of blocksByFunction(index)) {
    add('block', name, Float64Array.from(blocks, ({ start, end }) => end - start).sort());
  }
  const byName = new Map<string, LockRow[]>();
  for (const row of locksTable(index).rows) {
    const name = waitName(row);
    byName.set(name, [...(byName.get(name) ?? []), row]);
  }
  for (const [name, rows] of byName) {
    const waits = Float64Array.from(rows.flatMap((row) => [...row.waits])).sort();
    const unfinished = rows.reduce((sum, row) => sum + row.unfinished, 0);
    if (waits.length > 0) add('wait', name, waits, waits.length + unfinished);
  }
  for (const [name, durations] of gcDurations(index)) add('gc', name, durations);
  return known;
}

/** Functions of one name in several files are one here: a file may have moved from one trace to the other. */
function blocksByFunction(index: TraceIndex): Map<string, readonly Block[]> {
  const blocks = blocksOf(index);
  // All together: a block that is new counts, though its name has no other to be slower than.
  const found = new Map<string, readonly Block[]>([['(all blocks)', blocks]]);
  for (const group of groupedBlocks(blocks)) {
    const name = plainFunction(group.name);
    found.set(name, [...(found.get(name) ?? []), ...group.blocks]);
  }
  return found;
}

/** Without the line at which a word is waited for: that moves from one version to the next. */
function waitName({ name }: LockRow): string {
  return isWordWait(name.split(' ', 1)[0]!) ? plainFunction(name) : name;
}

function splitKey(key: string): [DiffRow['kind'], string] {
  const at = key.indexOf('\n');
  return [key.slice(0, at) as DiffRow['kind'], key.slice(at + 1)];
}
