/** Findings as a table: what people read first, then what a program needs to go on. */
import type { Filter } from './filter.ts';
import type { Finding } from './finding.ts';
import { findingsOf } from './findings.ts';
import { linkCommand, linkPath } from './link-text.ts';
import type { Column, Table } from './table.ts';
import { taskColumns } from './task-columns.ts';
import type { TraceIndex } from './trace-index.ts';

/**
 * The table.
 * @param file how commands are to call the trace's file.
 */
export function findingsTable(index: TraceIndex, _filter: Filter = {}, file = 'FILE'): Table<Finding> {
  return {
    id: 'lint',
    title: 'Findings',
    help: 'What is probably wrong, the worst first: high is what users notice, medium is worth a look, low is good to know. Each names its worst case and what to do.',
    columns: [...SENTENCES, ...worstColumns(index), ...linkColumns(file)],
    rows: findingsOf(index),
    spanOf: ({ worst }) => worst,
    linkOf: ({ link }) => link,
  };
}

const SENTENCES: readonly Column<Finding>[] = [
  {
    id: 'severity',
    title: 'Severity',
    unit: 'text',
    help: 'How bad it is.',
    of: ({ severity }) => severity,
  },
  { id: 'sentence', title: 'What', unit: 'text', help: 'What is wrong.', of: ({ sentence }) => sentence },
  {
    id: 'advice',
    title: 'What to do',
    unit: 'text',
    help: 'What to do about it.',
    of: ({ advice }) => advice,
  },
  { id: 'count', title: 'Count', unit: 'count', help: 'How many cases.', of: ({ count }) => count },
  {
    id: 'costNanos',
    title: 'Costs',
    unit: 'nanos',
    help: 'Time that it costs, as far as that can be said.',
    of: ({ costNanos }) => costNanos,
  },
  {
    id: 'rule',
    title: 'Rule',
    unit: 'text',
    help: 'Name of the rule that found it.',
    of: ({ rule }) => rule,
  },
  {
    id: 'alsoRules',
    title: 'Also',
    unit: 'text',
    help: 'Rules that found the same cause: the sentence says their findings as well.',
    of: ({ also }) => [...new Set(also.map(({ rule }) => rule))].join(', '),
  },
];

function worstColumns(index: TraceIndex): Column<Finding>[] {
  return [
    {
      id: 'startNanos',
      title: 'Worst at',
      unit: 'time',
      help: 'Begin of the worst case, since the first event.',
      of: ({ worst }) => worst?.start,
    },
    {
      id: 'durationNanos',
      title: 'Elapsed',
      unit: 'nanos',
      help: 'How long the worst case lasted.',
      of: ({ worst }) => worst && worst.end - worst.start,
    },
    {
      id: 'thread',
      title: 'Thread',
      unit: 'text',
      help: 'Thread of the worst case.',
      of: ({ worst }) => worst?.thread,
    },
    ...taskColumns<Finding>(index, ({ worst }) => worst?.task ?? 0, 'the task of the worst case'),
    {
      id: 'function',
      title: 'Function',
      unit: 'text',
      help: 'What was running in the worst case.',
      of: ({ worst }) => worst?.function,
    },
    {
      id: 'location',
      title: 'Where',
      unit: 'text',
      help: 'Source of that function: file and line.',
      of: ({ worst }) => worst?.location,
    },
  ];
}

function linkColumns(file: string): Column<Finding>[] {
  return [
    {
      id: 'command',
      title: 'Command',
      unit: 'text',
      help: 'What prints all cases.',
      of: ({ link }) => link && linkCommand(link, file),
    },
    {
      id: 'page',
      title: 'Page',
      unit: 'text',
      help: 'Where the viewer shows all cases.',
      of: ({ link }) => link && linkPath(link),
    },
  ];
}
