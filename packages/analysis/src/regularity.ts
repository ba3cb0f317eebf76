/** Whether blocks of one function come regularly: in each task of a name, after each, or at even intervals. That says who calls it. */
import type { Block } from './blocks.ts';
import { percentile } from './name-stats.ts';
import { timeText } from './quantity.ts';
import { tasksOf } from './tasks.ts';
import type { TraceIndex } from './trace-index.ts';

/** Fewer may be regular by chance. */
const LEAST = 5;
/** Intervals are even if nine of ten are at most so many times as long as the shortest tenth. */
const SPREAD = 1.3;
/** Most of the blocks, and most of the tasks. */
const MOST = 0.9;

/** `every 5.00 s`, `in each GET /report`, `after each GET /report`; '' where nothing of that kind can be said. */
export function regularityOf(index: TraceIndex, blocks: readonly Block[]): string {
  if (blocks.length < LEAST) return '';
  return ofTasks(index, blocks) || ofTime(blocks);
}

/** Of blocks in tasks of one name, of which nearly each has one. */
function ofTasks(index: TraceIndex, blocks: readonly Block[]): string {
  const tasks = tasksOf(index);
  const names = new Map<string, Set<number>>();
  let after = 0;
  let inTasks = 0;
  for (const { task: number, start } of blocks) {
    const task = tasks.byNumber(number);
    if (task === undefined) continue;
    inTasks++;
    if (start >= task.end) after++;
    names.set(task.name, (names.get(task.name) ?? new Set()).add(number));
  }
  const [[name, blocked] = ['', new Set<number>()], ...others] = names;
  if (others.length > 0 || blocked.size < LEAST || inTasks < MOST * blocks.length) return '';
  const all = index.once(taskCounts)[index.trace.strings.find(name)]!;
  return blocked.size < MOST * all ? '' : `${2 * after > inTasks ? 'after' : 'in'} each ${name}`;
}

/** How many tasks have a name, by its string id. */
function taskCounts(index: TraceIndex): Uint32Array {
  const counts = new Uint32Array(index.trace.strings.size);
  const { name } = index.trace.columns;
  for (const row of tasksOf(index).rows) counts[name[row]!]!++;
  return counts;
}

/** Of the thread that has most of them: others may call the same function for another reason. */
function ofTime(blocks: readonly Block[]): string {
  const threads = new Map<string, number[]>();
  for (const { thread, start } of blocks) {
    const starts = threads.get(thread);
    if (starts === undefined) threads.set(thread, [start]);
    else starts.push(start);
  }
  const [[thread, starts] = ['', []]] = [...threads].sort(([, a], [, b]) => b.length - a.length);
  if (starts.length < LEAST) return '';
  starts.sort((a, b) => a - b);
  const intervals = Float64Array.from(starts.slice(1), (start, at) => start - starts[at]!).sort();
  if (percentile(intervals, 90) >= SPREAD * percentile(intervals, 10)) return '';
  return `every ${timeText(percentile(intervals, 50))}${threads.size > 1 ? ` on ${thread}` : ''}`;
}
