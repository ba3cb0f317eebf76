/** Limits that a trace must keep, for CI: the longest block, percentiles of tasks and regions, the share of garbage collection, drops. */
import { blocksOf } from './blocks.ts';
import { areCollectionsRecorded } from './collections.ts';
import { percentile } from './name-stats.ts';
import { countText, shareText, timeText } from './quantity.ts';
import { regionsTable } from './regions-table.ts';
import type { Table } from './table.ts';
import { tasksTable } from './tasks-table.ts';
import { visibleText } from './text-columns.ts';
import { THREAD_STATES } from './thread-states.ts';
import { threadsTable } from './threads-table.ts';
import type { TraceIndex } from './trace-index.ts';
import { areLoopsRecorded } from './unrecorded.ts';

/** A limit. Times in nanoseconds. */
export type Budget =
  /** No event loop may be blocked for longer at a time. */
  | { readonly kind: 'max-block'; readonly nanos: number }
  /** The p-th percentile of tasks or regions of a name; 100 is the longest. */
  | { readonly kind: 'percentile'; readonly p: number; readonly name: string; readonly nanos: number }
  /** Largest part of its time that a thread may spend on garbage collection. */
  | { readonly kind: 'max-gc'; readonly share: number }
  /** Most events that the recorder may have dropped. */
  | { readonly kind: 'max-drops'; readonly count: number }
  /** Most tasks that may have no end. */
  | { readonly kind: 'max-unfinished'; readonly count: number };

export interface BudgetResult {
  readonly budget: Budget;
  /** The budget in words, such as `p95 of order`. */
  readonly what: string;
  readonly isKept: boolean;
  /** In the budget's unit; undefined when the trace has nothing of that name, or nothing at all, which breaks the budget: a typo must not pass. */
  readonly actual: number | undefined;
  readonly limit: number;
  /** One line: what it is, what it may be. */
  readonly sentence: string;
}

/** Results as a table, the broken ones first. */
export function budgetsTable(results: readonly BudgetResult[]): Table<BudgetResult> {
  return {
    id: 'check',
    title: 'Limits',
    help: 'Whether the trace keeps each of the limits.',
    columns: [
      {
        id: 'verdict',
        title: 'Verdict',
        unit: 'text',
        help: 'ok, or BROKEN.',
        of: ({ isKept }) => (isKept ? 'ok' : 'BROKEN'),
      },
      { id: 'what', title: 'What', unit: 'text', help: 'What is limited.', of: ({ what }) => what },
      {
        id: 'actual',
        title: 'Actual',
        unit: 'number',
        help: 'What it is: nanoseconds, a share of one or a count.',
        of: ({ actual }) => actual,
      },
      { id: 'limit', title: 'Limit', unit: 'number', help: 'What it may be.', of: ({ limit }) => limit },
      {
        id: 'sentence',
        title: 'In words',
        unit: 'text',
        help: 'Both, with the place of the worst case.',
        of: ({ sentence }) => sentence,
      },
    ],
    rows: [...results].sort((a, b) => Number(a.isKept) - Number(b.isKept)),
  };
}

/** Looks whether a trace keeps each of the limits. */
export function checkBudgets(index: TraceIndex, budgets: readonly Budget[]): BudgetResult[] {
  return budgets.map((budget) => {
    const { what, limit, text, where = '', ...found } = measured(index, budget);
    // An empty trace, such as one of another process, has not shown that anything is kept.
    const isEmpty = index.trace.length === 0;
    const actual = isEmpty ? undefined : found.actual;
    const isKept = actual !== undefined && actual <= limit;
    const missing = isEmpty ? 'nothing in the trace' : (found.missing ?? 'nothing of that name in the trace');
    const figure = actual === undefined ? missing : text(actual);
    return {
      budget,
      what,
      isKept,
      actual,
      limit,
      sentence: visibleText(
        `${what}: ${figure}${where}, ${actual === undefined ? 'limit' : isKept ? 'within' : 'over'} ${text(limit)}`,
      ),
    };
  });
}

interface Measured {
  readonly what: string;
  readonly actual: number | undefined;
  readonly limit: number;
  readonly text: (value: number) => string;
  readonly where?: string;
  /** Why there is no figure. */
  readonly missing?: string;
}

function measured(index: TraceIndex, budget: Budget): Measured {
  switch (budget.kind) {
    case 'max-block': {
      const blocks = blocksOf(index);
      const worst = blocks.reduce((longest, { start, end }) => Math.max(longest, end - start), 0);
      const culprit = blocks.find(({ start, end }) => end - start === worst);
      const where =
        culprit === undefined
          ? ''
          : ` (${culprit.name}${culprit.location === '' ? '' : `, ${culprit.location}`})`;
      return {
        what: 'longest block',
        actual: areLoopsRecorded(index) ? worst : undefined,
        limit: budget.nanos,
        text: timeText,
        where,
        missing: 'no event loop was recorded',
      };
    }
    case 'percentile':
      return {
        what: `${budget.p === 100 ? 'max' : `p${budget.p}`} of ${budget.name}`,
        actual: percentileOf(index, budget.name, budget.p),
        limit: budget.nanos,
        text: timeText,
      };
    case 'max-gc': {
      const gc = THREAD_STATES.indexOf('gc');
      const threads = threadsTable(index).rows.filter(({ totalNanos }) => totalNanos > 0);
      const shareOf = ({ times, totalNanos }: (typeof threads)[number]): number =>
        times.byState[gc]! / totalNanos;
      const worst = threads.reduce((most, row) => Math.max(most, shareOf(row)), 0);
      const thread = threads.find((row) => shareOf(row) === worst && worst > 0)?.thread.name;
      const where = thread === undefined ? '' : ` (${thread})`;
      return {
        what: 'garbage collection',
        actual: areCollectionsRecorded(index) ? worst : undefined,
        limit: budget.share,
        text: shareText,
        where,
        missing: 'no garbage collection was recorded',
      };
    }
    case 'max-drops': {
      const actual = index.trace.tracks.reduce((sum, { dropped }) => sum + dropped, 0);
      return { what: 'dropped events', actual, limit: budget.count, text: countText };
    }
    case 'max-unfinished': {
      const actual = tasksTable(index).rows.reduce((sum, { unfinished }) => sum + unfinished, 0);
      return { what: 'unfinished tasks', actual, limit: budget.count, text: countText };
    }
  }
}

/** Of tasks of the name; of regions, where no task has it. */
function percentileOf(index: TraceIndex, name: string, p: number): number | undefined {
  const rows = [...tasksTable(index).rows, ...regionsTable(index).rows];
  const row = rows.find((each) => each.name === name && each.durations.length > 0);
  return row === undefined ? undefined : percentile(row.durations, p);
}
