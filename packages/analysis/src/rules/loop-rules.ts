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
import { isOfNodeItself, parseFrame } from '../stack-frame.ts';
import { type SyncCall, syncCallIn } from '../sync-call.ts';
import { tasksOf } from '../tasks.ts';
import type { TraceIndex } from '../trace-index.ts';
import { caseOfBlock, labelOfBlock } from '../worst-case.ts';

/** From this length on people notice a block. */
const NOTICED_NANOS = 100e6;

/** Where nobody saw what ran, such as while the program starts, there is nothing to act on. */
function severityOf(worst: Block, isOfWorkers: boolean, isKnown: boolean): Found['severity'] {
  const isNoticed = lengthOf(worst) >= NOTICED_NANOS;
  if (!isKnown) return isNoticed ? 'medium' : 'low';
  return isNoticed && !isOfWorkers ? 'high' : 'medium';
}

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
    severity: severityOf(worst, isOfWorkers, isKnown(group)),
    sentence:
      `${what} blocked the event loop of ${labelOfBlock(index, worst)} for ${timeText(lengthOf(worst))}${during(index, worst)}` +
      `${times(blocks)}${regularly(index, blocks)}.`,
    advice: !isKnown(group)
      ? 'Look at the timeline around it. No stack have blocks that are shorter than the watchdog’s look, and long native calls that are the last of a callback, such as JSON.parse, a sort or a regular expression: --sources samples shows these.'
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
      sentence: `Code of Node.js itself, with none of the program’s around it (${names.join(', ')}${more > 0 ? ` and ${counted(more, 'more function')}` : ''}), was seen in ${counted(blocks.length, 'block')} of ${timeText(totalOf(blocks))} in all, up to ${timeText(lengthOf(worst))} on ${labelOfBlock(index, worst)}.`,
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

/** Looks that have proof: so many promise jobs ran, and the queue of them has not been empty since. */
const PROVEN_JOBS = 2;
/** What runs process.nextTick. */
const TICKS = /^(process\.)?(processTicksAndRejections|runNextTicks) /;

export const microtaskStarvation: Rule = {
  id: 'microtask-starvation',
  help: 'A block in which promises are known to have run one after another, or several functions from process.nextTick, and nothing else got a turn.',
  find: (index) => {
    const starving = blocksOf(index).filter((block) => block.jobs >= PROVEN_JOBS || areTicks(block));
    if (starving.length === 0) return [];
    const worst = longestOf(starving);
    return [
      {
        ...ofBlocks(index, 'microtask-starvation', { name: worst.name, blocks: starving }),
        severity: lengthOf(worst) >= NOTICED_NANOS ? 'high' : 'medium',
        sentence: `${worst.jobs >= PROVEN_JOBS ? 'Promises' : 'Callbacks of process.nextTick'}${inFunction(index, worst)} kept the event loop of ${labelOfBlock(index, worst)} for ${timeText(lengthOf(worst))} without a turn of anything else${during(index, worst)}${times(starving)}.`,
        advice:
          'Await something that waits for the event loop now and then, such as setImmediate from node:timers/promises.',
      },
    ];
  },
};

/** Whether all stacks of a block come from ticks, and not from one alone. */
function areTicks({ first, sightings }: Block): boolean {
  const stacks = [first, ...sightings].map(({ stack }) => stack);
  const called = stacks.map((stack) => parseFrame(stack.at(-2) ?? ''));
  return (
    stacks.every((stack) => TICKS.test(stack.at(-1) ?? '')) &&
    called.every((frame) => !isOfNodeItself(frame)) &&
    new Set(called.map(({ name, file }) => `${name} ${file}`)).size > 1
  );
}

/** `, 2 times and 150 ms in all`, or ''. */
function times(blocks: readonly Block[]): string {
  return blocks.length === 1
    ? ''
    : `, ${counted(blocks.length, 'time')} and ${timeText(totalOf(blocks))} in all`;
}

export const syncInTask: Rule = {
  id: 'sync-in-task',
  help: 'A synchronous call of fs, crypto, zlib or child_process that blocked the loop while a task ran.',
  find: (index) => {
    const lines = new Map<string, { calls: SyncCall[]; blocks: Block[] }>();
    for (const block of blocksOf(index)) {
      const call = syncCallIn(block.stack);
      if (call === undefined || block.task === 0) continue;
      const key = block.location || call.name;
      const line = lines.get(key) ?? { calls: [], blocks: [] };
      lines.set(key, line);
      if (!line.calls.some(({ name }) => name === call.name)) line.calls.push(call);
      line.blocks.push(block);
    }
    return [...lines.values()].map(({ calls, blocks }) => {
      const worst = longestOf(blocks);
      return {
        ...ofBlocks(index, 'sync-in-task', { name: worst.name, blocks }),
        severity: 'high' as const,
        sentence: `${listText(calls.map(({ name }) => name))}${inFunction(index, worst)} stopped ${labelOfBlock(index, worst)} for ${timeText(lengthOf(worst))}${during(index, worst)}${times(blocks)}${regularly(index, blocks)}.`,
        advice: `Call ${listText(calls.map(({ instead }) => instead))} instead: the work is then done on the thread pool, or beside the program.`,
      };
    });
  },
};

function listText(names: readonly string[]): string {
  return names.join(' and ');
}

/** ` in hash (auth.js:12)`; '' where no function of the program was on the stack. */
function inFunction(index: TraceIndex, block: Block): string {
  const { function: name, location } = caseOfBlock(index, block);
  return location === '' ? '' : ` in ${name} (${location})`;
}
