/** What holds event loops: one function for long, a chain of promises that never lets go, synchronous calls in the middle of a task. */
import { lengthOf } from '../blockers-table.ts';
import {
  type Block,
  type BlockGroup,
  blocksOf,
  filterForGroup,
  groupedBlocks,
  isOfNode,
  longestOf,
  NODE_ITSELF,
  totalOf,
} from '../blocks.ts';
import type { Found, Rule } from '../finding.ts';
import { counted, timeText } from '../quantity.ts';
import { regularityOf } from '../regularity.ts';
import { tasksOf } from '../tasks.ts';
import type { TraceIndex } from '../trace-index.ts';
import { caseOfBlock } from '../worst-case.ts';

/** From this length on people notice a block. */
const NOTICED_NANOS = 100e6;

export const blockedLoop: Rule = {
  id: 'blocked-loop',
  help: 'A function that blocked an event loop for longer than the recorder’s limit, by default 20 ms; high from 100 ms on, but for what workers alone do: computing is what they are for.',
  find: (index) => {
    const own = groupedBlocks(blocksOf(index).filter((block) => !isOfNode(block)));
    return [...own.map((group) => ofFunction(index, group)), ...ofNode(index)];
  },
};

function ofFunction(index: TraceIndex, group: BlockGroup): Found {
  const { name, location, blocks } = group;
  const worst = longestOf(blocks);
  const isOfWorkers = blocks.every((block) => isOnWorker(index, block));
  const what = isKnown(group)
    ? `${name}${location === '' ? '' : ` (${location})`}`
    : 'Something that no stack was seen of';
  return {
    ...ofBlocks(index, 'blocked-loop', group),
    link: { page: 'blockers/each', filter: filterForGroup(index, group) },
    // Where nobody saw what ran, such as while the program starts, there is nothing to act on.
    severity: lengthOf(worst) >= NOTICED_NANOS && !isOfWorkers && isKnown(group) ? 'high' : 'medium',
    sentence:
      `${what} blocked the event loop of ${worst.thread} for ${timeText(lengthOf(worst))}${during(index, worst)}` +
      `${blocks.length === 1 ? '' : `, ${counted(blocks.length, 'time')} and ${timeText(totalOf(blocks))} in all`}${regularly(index, blocks)}.`,
    advice: !isKnown(group)
      ? 'Look at the timeline around it; a block that is shorter than the watchdog’s look has no stack.'
      : isOfWorkers
        ? 'That is what workers are for, unless messages or timers wait there meanwhile: then use more workers, or smaller parts.'
        : 'Move it to a worker, split it into parts with setImmediate between them, or call it less often.',
  };
}

/** Functions that are named one by one. */
const MOST_NAMED = 3;

/** Blocks in which only Node.js's own functions were seen: there is nothing in the program to move or to split. */
function ofNode(index: TraceIndex): Found[] {
  const blocks = blocksOf(index, { name: NODE_ITSELF });
  if (blocks.length === 0) return [];
  const found = groupedBlocks(blocks);
  const worst = longestOf(blocks);
  const names = found.slice(0, MOST_NAMED).map(({ name }) => name);
  const more = found.length - names.length;
  return [
    {
      ...ofBlocks(index, 'blocked-loop', { name: NODE_ITSELF, blocks }),
      severity: 'low',
      sentence: `Code of Node.js itself, with none of the program’s around it (${names.join(', ')}${more > 0 ? ` and ${counted(more, 'more function')}` : ''}), was seen in ${counted(blocks.length, 'block')} of ${timeText(totalOf(blocks))} in all, up to ${timeText(lengthOf(worst))} on ${worst.thread}.`,
      advice:
        'Mostly that is the loading of modules at the start, or a thread that got no processor for a while: too few of them for all threads, or a busy machine.',
    },
  ];
}

function isOnWorker(index: TraceIndex, { row }: Block): boolean {
  const thread = index.threadOf(index.trace.columns.track[row]!);
  return thread !== undefined && thread.tid !== thread.pid;
}

function isKnown({ name }: BlockGroup): boolean {
  return name !== 'blocked';
}

function during(index: TraceIndex, { task, region }: Block): string {
  const name = tasksOf(index).byNumber(task)?.name;
  if (name !== undefined) return ` during ${name}`;
  return region === '' ? '' : ` in ${region}`;
}

/** `, every 5.00 s`, or ''. */
function regularly(index: TraceIndex, blocks: readonly Block[]): string {
  const regularity = regularityOf(index, blocks);
  return regularity === '' ? '' : `, ${regularity}`;
}

function ofBlocks(
  index: TraceIndex,
  rule: string,
  { name, blocks }: Pick<BlockGroup, 'name' | 'blocks'>,
): Pick<Found, 'rule' | 'count' | 'costNanos' | 'worst' | 'link' | 'cases'> {
  return {
    rule,
    count: blocks.length,
    costNanos: totalOf(blocks),
    worst: caseOfBlock(index, longestOf(blocks)),
    link: { page: 'blockers/each', filter: { name } },
    cases: blocks.map(({ row }) => row),
  };
}

/** Frames of Node.js that run promises and `process.nextTick`. */
const MICROTASKS = /processTicksAndRejections|runMicrotasks|runNextTicks/;

export const microtaskStarvation: Rule = {
  id: 'microtask-starvation',
  help: 'A block in which several functions ran one after another from promises or process.nextTick, and nothing else got a turn.',
  find: (index) => {
    const starving = blocksOf(index).filter(({ first, sightings }) => {
      const stacks = [first, ...sightings].map(({ stack }) => stack).filter((stack) => stack.length > 0);
      const functions = new Set(stacks.map((stack) => functionIn(stack.at(-2) ?? stack[0]!)));
      return (
        stacks.length > 1 && functions.size > 1 && stacks.every((stack) => MICROTASKS.test(stack.at(-1)!))
      );
    });
    if (starving.length === 0) return [];
    const worst = longestOf(starving);
    return [
      {
        ...ofBlocks(index, 'microtask-starvation', { name: worst.name, blocks: starving }),
        severity: lengthOf(worst) >= NOTICED_NANOS ? 'high' : 'medium',
        sentence: `Promises or process.nextTick kept the event loop of ${worst.thread} for ${timeText(lengthOf(worst))} without a turn of anything else${during(index, worst)}.`,
        advice:
          'Await something that waits for the event loop now and then, such as setImmediate from node:timers/promises.',
      },
    ];
  },
};

/** A frame without the place in its file: one function may be seen at many. */
function functionIn(frame: string): string {
  return frame.replace(/:\d+(:\d+)?\)$/, '');
}

/** Node.js's own functions that stop the thread until something outside is done. */
const SYNCHRONOUS = /\b(\w+Sync)\b[^(]*\((node:|native)/;

export const syncInTask: Rule = {
  id: 'sync-in-task',
  help: 'A synchronous call of fs, crypto, zlib or child_process that blocked the loop while a task ran.',
  find: (index) => {
    const groups = new Map<string, Block[]>();
    for (const block of blocksOf(index)) {
      const call = block.stack
        .map((frame) => SYNCHRONOUS.exec(frame)?.[1])
        .find((name) => name !== undefined);
      if (call === undefined || block.task === 0) continue;
      groups.set(call, [...(groups.get(call) ?? []), block]);
    }
    return [...groups].map(([call, blocks]) => {
      const worst = longestOf(blocks);
      return {
        ...ofBlocks(index, 'sync-in-task', { name: worst.name, blocks }),
        severity: 'high' as const,
        sentence: `${call}${inFunction(index, worst)} stopped ${worst.thread} for ${timeText(lengthOf(worst))}${during(index, worst)}, ${counted(blocks.length, 'time')} and ${timeText(totalOf(blocks))} in all${regularly(index, blocks)}.`,
        advice: `Call ${call.replace(/Sync$/, '')} instead: it does the same on the thread pool, or beside the program.`,
      };
    });
  },
};

/** ` in hash (auth.js:12)`; '' where no function of the program was on the stack. */
function inFunction(index: TraceIndex, block: Block): string {
  const { function: name, location } = caseOfBlock(index, block);
  return location === '' ? '' : ` in ${name} (${location})`;
}
