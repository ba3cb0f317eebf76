/** The utilisation curve and the worst windows of a length as tables. */
import { timeText } from './quantity.ts';
import type { Column, Span, Table } from './table.ts';
import type { TraceIndex } from './trace-index.ts';
import {
  roundWindowLengths,
  type Utilization,
  type UtilizationPoint,
  utilizationCurve,
} from './utilization.ts';
import { type Cause, causesIn } from './window-causes.ts';
import { worstWindows } from './worst-windows.ts';

/** A window in which loops were little available, and why. */
export interface WorstWindow extends Span {
  /** 0 to 1. */
  readonly utilization: number;
  /** The longest first. */
  readonly causes: readonly Cause[];
}

/** What the curve means, for pages and commands. */
export const UTILIZATION_HELP: string =
  'For each length of a window: the smallest part of any window that long in which event loops could run other callbacks, because they were not ' +
  'in a block, a garbage collection or a wait that stops the thread. A minimum of 0 % for 50 ms says that a request which comes at the wrong ' +
  'moment waits for 50 ms: the longest window with 0 % is the longest stop. Where the minimum stays low for longer windows, stops come close together. Of several ' +
  'threads it is the mean of those alive.';

/** A row for each round window length. */
export function utilizationTable(index: TraceIndex, utilization: Utilization): Table<UtilizationPoint> {
  const rows = utilizationCurve(index, utilization, roundWindowLengths(utilization.duration));
  return {
    id: 'mmu',
    title: 'Event loop utilisation by window length',
    help: UTILIZATION_HELP,
    columns: curveColumns(),
    rows,
    spanOf: ({ minimum, worstStart, windowNanos }) =>
      minimum < 1 ? { start: worstStart, end: worstStart + windowNanos } : undefined,
    ...(isAnyUnknown(utilization)
      ? {
          note: 'Of threads without recorded event loops no blocks are known: they count as available there.',
        }
      : {}),
  };
}

function isAnyUnknown({ threads }: Utilization): boolean {
  return threads.some(({ loopTrack }) => loopTrack < 0);
}

function curveColumns(): Column<UtilizationPoint>[] {
  const share = (
    id: string,
    title: string,
    help: string,
    of: (point: UtilizationPoint) => number,
  ): Column<UtilizationPoint> => ({ id, title, unit: 'share', help, of, saysZero: true });
  return [
    {
      id: 'windowNanos',
      title: 'Window',
      unit: 'nanos',
      help: 'Length of the windows.',
      of: ({ windowNanos }) => windowNanos,
    },
    share(
      'minimum',
      'Minimum',
      'Part of the worst window in which loops could run other callbacks.',
      ({ minimum }) => minimum,
    ),
    share('p999', 'p99.9', '99.9 % of all windows have so much or more.', ({ p999 }) => p999),
    share('p99', 'p99', '99 % of all windows have so much or more.', ({ p99 }) => p99),
    share('p95', 'p95', '95 % of all windows have so much or more.', ({ p95 }) => p95),
    {
      id: 'worstStartNanos',
      title: 'Worst from',
      unit: 'time',
      help: 'Where the worst window begins, since the first event.',
      of: ({ minimum, worstStart }) => (minimum < 1 ? worstStart : undefined),
    },
  ];
}

/** Windows in a list of the worst. */
const WORST = 10;

/** The ten worst windows of a length that do not overlap, the worst first; a single stop that is longer than the window counts once. */
export function worstWindowsOf(
  index: TraceIndex,
  { availability, threads, stops }: Utilization,
  windowNanos: number,
): WorstWindow[] {
  const windows = worstWindows(availability, windowNanos, WORST);
  const causes = causesIn(index, threads, stops, windows);
  return windows.map(({ start, end, utilization }, at) => ({
    start: start - index.start,
    end: end - index.start,
    utilization,
    causes: causes[at]!,
  }));
}

/** `worstWindowsOf` as a table. */
export function worstWindowsTable(
  index: TraceIndex,
  utilization: Utilization,
  windowNanos: number,
): Table<WorstWindow> {
  return {
    id: 'mmu',
    title: `Worst windows of ${timeText(windowNanos)}`,
    help:
      'Windows of this length in which event loops could run other callbacks for the least time, and what filled them. They do not overlap, and a ' +
      'single stop that is longer than the window is listed once.',
    columns: windowColumns(utilization.threads.length > 1),
    rows: worstWindowsOf(index, utilization, windowNanos),
    spanOf: ({ start, end }) => ({ start, end }),
  };
}

function windowColumns(namesThreads: boolean): Column<WorstWindow>[] {
  return [
    {
      id: 'startNanos',
      title: 'From',
      unit: 'time',
      help: 'Begin of the window, since the first event.',
      of: ({ start }) => start,
    },
    {
      id: 'endNanos',
      title: 'To',
      unit: 'time',
      help: 'End of the window, since the first event.',
      of: ({ end }) => end,
    },
    {
      id: 'utilization',
      title: 'Utilisation',
      unit: 'share',
      help: 'Part of the window in which loops could run other callbacks.',
      of: ({ utilization }) => utilization,
      saysZero: true,
    },
    {
      id: 'mostBy',
      title: 'Filled by',
      unit: 'text',
      help: 'What stopped a loop for the longest time in the window.',
      of: ({ causes }) => causesText(causes.slice(0, 1), namesThreads),
    },
    {
      id: 'alsoBy',
      title: 'And by',
      unit: 'text',
      help: 'What else stopped loops and for how long, the longest first.',
      of: ({ causes }) => causesText(causes.slice(1), namesThreads),
    },
  ];
}

/** Causes that are named one by one. */
const MOST_NAMED = 4;

/** Causes in words: `hash auth.js:12 41.0 ms, GC minor 3.20 ms, and 2 more`. */
export function causesText(causes: readonly Cause[], namesThreads: boolean): string {
  const named = causes
    .slice(0, MOST_NAMED)
    .map((cause) => `${namesThreads ? `${cause.thread.name}: ` : ''}${causeText(cause)}`);
  return [
    ...named,
    ...(causes.length > named.length ? [`and ${causes.length - named.length} more`] : []),
  ].join(', ');
}

function causeText({ state, name, nanos }: Cause): string {
  const what = {
    blocked: name,
    gc: name || 'GC',
    waiting: `waiting in ${name}`,
    running: 'running',
  } as const;
  return `${state in what ? what[state as keyof typeof what] || state : state} ${timeText(nanos)}`;
}
