/** What blocked event loops, by function and one by one. */
import {
  type Block,
  type BlockGroup,
  blocksOf,
  filterForGroup,
  groupedBlocks,
  longestOf,
  totalOf,
} from './blocks.ts';
import type { Filter } from './filter.ts';
import { regularityOf } from './regularity.ts';
import type { Table } from './table.ts';
import { taskColumns } from './task-columns.ts';
import { tasksOf } from './tasks.ts';
import type { TraceIndex } from './trace-index.ts';
import { loopNote } from './unrecorded.ts';

const HELP =
  'While a function runs, nothing else on its thread does: no request is taken, no timer fires, no promise goes on. Here is what held an event ' +
  'loop for more than 20 ms (or what the recorder was told), named after the function of the program that was running when it was looked at, ' +
  'and after what of a package or of Node.js it had called. Move it to a worker, split it, or call it less.';

const LOST = 'whether anything blocked one this trace cannot tell';

/** Blocks by function, the longest total first. Filter: all of it. */
export function blockersTable(index: TraceIndex, filter: Filter = {}): Table<BlockGroup> {
  const list = (of: (block: Block) => string, blocks: readonly Block[]): string =>
    someOf(new Set(blocks.map(of).filter((text) => text !== '')));
  return {
    id: 'blockers',
    title: 'Blocked event loops',
    help: HELP,
    columns: [
      {
        id: 'name',
        title: 'Blocked by',
        unit: 'text',
        help: 'Function that was running; `blocked` when nobody saw it.',
        of: ({ name }) => name,
      },
      {
        id: 'count',
        title: 'Count',
        unit: 'count',
        help: 'How many blocks.',
        of: ({ blocks }) => blocks.length,
      },
      {
        id: 'totalNanos',
        title: 'Total',
        unit: 'nanos',
        help: 'Their time together; one without an end lasts as long as the trace.',
        of: ({ blocks }) => totalOf(blocks),
      },
      {
        id: 'maxNanos',
        title: 'Max',
        unit: 'nanos',
        help: 'The longest one.',
        of: ({ blocks }) => lengthOf(longestOf(blocks)),
      },
      {
        id: 'regularity',
        title: 'Regularly',
        unit: 'text',
        help: 'Where five and more come regularly: in each task of a name, after each, or at even intervals, of which nine in ten are less than 1.3 times as long as the shortest tenth.',
        of: ({ blocks }) => regularityOf(index, blocks),
      },
      {
        id: 'location',
        title: 'Where',
        unit: 'text',
        help: 'Source of the function: file and line, by source map where there is one.',
        of: ({ location }) => location,
      },
      {
        id: 'task',
        title: 'Task',
        unit: 'text',
        help: 'Tasks that were running.',
        of: ({ blocks }) => list((block) => taskName(index, block), blocks),
      },
      {
        id: 'threads',
        title: 'Threads',
        unit: 'text',
        help: 'Threads that were blocked.',
        of: ({ blocks }) => list(({ thread }) => thread, blocks),
      },
      {
        id: 'region',
        title: 'Region',
        unit: 'text',
        help: 'Innermost regions that were open.',
        of: ({ blocks }) => list(({ region }) => region, blocks),
      },
    ],
    rows: groupedBlocks(blocksOf(index, filter)),
    spanOf: ({ blocks }) => spanOfBlock(index, longestOf(blocks)),
    linkOf: (group) => ({ page: 'blockers/each', filter: filterForGroup(index, group, filter) }),
    ...loopNote(index, LOST),
  };
}

/** Blocks one by one, the longest first. */
export function eachBlockTable(index: TraceIndex, filter: Filter = {}): Table<Block> {
  return {
    id: 'blockers',
    title: 'Each block',
    help: HELP,
    columns: [
      {
        id: 'name',
        title: 'Blocked by',
        unit: 'text',
        help: 'Function that was running.',
        of: ({ name }) => name,
      },
      {
        id: 'startNanos',
        title: 'When',
        unit: 'time',
        help: 'Its begin, since the first event.',
        of: ({ start }) => start - index.start,
      },
      { id: 'durationNanos', title: 'Elapsed', unit: 'nanos', help: 'From begin to end.', of: lengthOf },
      {
        id: 'location',
        title: 'Where',
        unit: 'text',
        help: 'Source of the function.',
        of: ({ location }) => location,
      },
      {
        id: 'thread',
        title: 'Thread',
        unit: 'text',
        help: 'Thread that was blocked.',
        of: ({ thread }) => thread,
      },
      ...taskColumns<Block>(index, ({ task }) => task, 'the task that was running'),
      {
        id: 'state',
        title: 'State',
        unit: 'text',
        help: 'Whether it has ended.',
        of: ({ isComplete }) => (isComplete ? '' : 'unfinished'),
      },
      {
        id: 'region',
        title: 'Region',
        unit: 'text',
        help: 'Innermost open region.',
        of: ({ region }) => region,
      },
      {
        id: 'stack',
        title: 'Stack',
        unit: 'text',
        help: 'Frames when it was first looked at, innermost first.',
        of: ({ stack }) => stack.join(' ← '),
        isFolded: true,
      },
    ],
    rows: [...blocksOf(index, filter)].sort((a, b) => lengthOf(b) - lengthOf(a)),
    spanOf: (block) => spanOfBlock(index, block),
    ...loopNote(index, LOST),
  };
}

/** Length of a block, in nanoseconds. */
export function lengthOf({ start, end }: Block): number {
  return end - start;
}

/** A block's stretch of the timeline. */
export function spanOfBlock(index: TraceIndex, { start, end }: Block): { start: number; end: number } {
  return { start: start - index.start, end: end - index.start };
}

function taskName(index: TraceIndex, { task }: Block): string {
  return tasksOf(index).byNumber(task)?.name ?? '';
}

/** Names in one cell: the first three, and how many more. */
export function someOf(names: ReadonlySet<string>): string {
  const sorted = [...names].sort();
  return sorted.length > 3
    ? `${sorted.slice(0, 3).join(', ')} and ${sorted.length - 3} more`
    : sorted.join(', ');
}
