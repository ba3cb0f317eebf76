/** Every table that there is: each is a command of `ttrace` and a page of the viewer under its name. */
import { blockersTable, eachBlockTable } from './blockers-table.ts';
import type { Filter } from './filter.ts';
import { findingsTable } from './findings-table.ts';
import { eachCollectionTable, gcTable } from './gc-table.ts';
import { handoversTable } from './handovers.ts';
import { lockThreadsTable } from './lock-threads.ts';
import { eachWaitTable, locksTable } from './locks-table.ts';
import { eachMessageTable, messagesTable } from './messages-table.ts';
import { eachRegionTable, regionsTable } from './regions-table.ts';
import { spansTable } from './spans-table.ts';
import type { Table } from './table.ts';
import { criticalPathTable, taskEventsTable } from './task-tables.ts';
import { eachTaskTable, tasksTable } from './tasks-table.ts';
import { threadsTable } from './threads-table.ts';
import type { TraceIndex } from './trace-index.ts';
import { turnsTable } from './turns-table.ts';

export interface TableQuestion {
  /** Name of the command, of the page and of the table. */
  readonly id: string;
  /** What it answers, in a line. */
  readonly summary: string;
  /** What its command's options are for. */
  readonly hint?: string;
  /** The fields of the filter that narrow this table; all of them unless given. */
  readonly filters?: readonly (keyof Filter)[];
  readonly table: (index: TraceIndex, filter: Filter) => Table<unknown>;
  /** The same things one by one, where the table groups them: `--each` of the command, the page `ID/each`. */
  readonly each?: (index: TraceIndex, filter: Filter) => Table<unknown>;
}

/** In the order in which pages and help list them. */
export const TABLES: readonly TableQuestion[] = [
  {
    id: 'lint',
    summary: 'What is probably wrong, the worst first',
    filters: [],
    table: findingsTable,
  },
  {
    id: 'threads',
    summary: 'How each thread spent its time: running, blocked, GC, waiting, idle',
    filters: ['from', 'to', 'thread'],
    table: threadsTable,
  },
  {
    id: 'tasks',
    summary: 'Tasks by name, with percentiles',
    hint: '--each: one by one, the slowest first',
    table: tasksTable,
    each: eachTaskTable,
  },
  {
    id: 'regions',
    summary: 'Regions by name, with percentiles',
    hint: '--each: one by one, and how each spent its time',
    table: regionsTable,
    each: eachRegionTable,
  },
  {
    id: 'blockers',
    summary: 'What blocked event loops, by function',
    hint: '--each: every block, with its stack',
    table: blockersTable,
    each: eachBlockTable,
  },
  {
    id: 'turns',
    summary: 'Turns of the event loops by thread',
    table: turnsTable,
  },
  {
    id: 'gc',
    summary: 'Garbage collections by thread and kind',
    hint: '--each: one by one, the longest first',
    table: gcTable,
    each: eachCollectionTable,
  },
  {
    id: 'locks',
    summary: 'What was waited for: locks, channels, queues, pools',
    hint: '--each: every wait',
    table: locksTable,
    each: eachWaitTable,
  },
  {
    id: 'lock-threads',
    summary: 'Each lock by thread: held, held while others waited, waited',
    table: lockThreadsTable,
  },
  {
    id: 'handovers',
    summary: 'Which thread let which go on, by lock, channel or group',
    table: handoversTable,
  },
  {
    id: 'messages',
    summary: 'Messages by pair of threads: latency, queue, rate',
    hint: '--each: every message',
    table: messagesTable,
    each: eachMessageTable,
  },
  {
    id: 'spans',
    summary: 'Spans of OpenTelemetry, and tasks and requests that are in a trace of it',
    hint: '--attribute trace_id=… for one trace',
    table: spansTable,
  },
  {
    id: 'task',
    summary: 'Events of one task and its subtasks',
    hint: '--task NAME for the slowest of a name, or #ID',
    filters: ['task'],
    table: taskEventsTable,
  },
  {
    id: 'critical-path',
    summary: 'Why one task took so long, step by step over threads',
    hint: '--task NAME or #ID',
    filters: ['task'],
    table: criticalPathTable,
  },
];
