/**
 * Findings of one cause as one. What is told once:
 * - a function that blocks a loop by a synchronous call, or by promises that never let go, which both rules see;
 * - a lock that is held for most of its time in such blocks: others wait for what the block's task holds;
 * - tasks that are slow because of tasks in them that are.
 *
 * The finding that is nearer to the cause stays, says the other in a sentence of its own and names its rule.
 */
import type { AlsoFound, Finding } from './finding.ts';
import { isAtLeast } from './finding.ts';
import { counted, timeText } from './quantity.ts';
import { type Task, tasksOf, withDescendants } from './tasks.ts';
import type { TraceIndex } from './trace-index.ts';

/** The findings in their order, without those that others tell as well. */
export function mergedFindings(index: TraceIndex, findings: readonly Finding[]): readonly Finding[] {
  return withTasksInside(index, withHeldLocks(index, withCallers(findings)));
}

/** A finding that says another as well. */
function joined(finding: Finding, other: Finding, sentence: string, text: string): Finding {
  const also: AlsoFound[] = [...finding.also, ...other.also];
  if (other.link !== undefined) also.unshift({ rule: other.rule, text, link: other.link });
  return {
    ...finding,
    severity: isAtLeast(other.severity, finding.severity) ? other.severity : finding.severity,
    costNanos: Math.max(finding.costNanos, other.costNanos),
    sentence: `${finding.sentence}${sentence === '' ? '' : ` ${sentence}`}`,
    also,
  };
}

/** A list in which one finding stands for two. */
function replaced(findings: readonly Finding[], kept: Finding, by: Finding, dropped: Finding): Finding[] {
  return findings.filter((each) => each !== dropped).map((each) => (each === kept ? by : each));
}

/** Blocks of a function that are all synchronous calls in tasks, or all of promises: those say where the function is. */
function withCallers(findings: readonly Finding[]): readonly Finding[] {
  let result = findings;
  for (const block of findings.filter(({ rule }) => rule === 'blocked-loop')) {
    const call = result.find(({ rule, cases }) => NEARER_RULES.has(rule) && isWithin(block.cases, cases));
    if (call === undefined) continue;
    const text = `all blocks of ${block.worst?.function ?? ''}`;
    result = replaced(result, call, joined(call, block, '', text), block);
  }
  return result;
}

function isWithin(rows: readonly number[], others: readonly number[]): boolean {
  const known = new Set(others);
  return rows.length > 0 && rows.every((row) => known.has(row));
}

/** What says of a block why it is one. */
const NEARER_RULES: ReadonlySet<string> = new Set(['sync-in-task', 'microtask-starvation']);

const BLOCK_RULES: ReadonlySet<string> = new Set(['blocked-loop', 'sync-in-task', 'microtask-starvation']);
/** So much of the time that a lock is held must lie in blocks. */
const HELD_SHARE = 0.5;

/** Locks that others wait for because their holders block a loop. */
function withHeldLocks(index: TraceIndex, findings: readonly Finding[]): readonly Finding[] {
  let result = findings;
  for (const convoy of findings.filter(({ rule }) => rule === 'lock-convoy')) {
    const held = convoy.cases.reduce((sum, row) => sum + lengthOf(index, row), 0);
    const blocks = result
      .filter(({ rule }) => BLOCK_RULES.has(rule))
      .map((finding) => ({ finding, nanos: heldInBlocks(index, convoy.cases, finding.cases) }));
    const most = blocks.reduce<(typeof blocks)[number] | undefined>(
      (a, b) => (a !== undefined && a.nanos >= b.nanos ? a : b),
      undefined,
    );
    if (most === undefined || held === 0 || most.nanos < HELD_SHARE * held) continue;
    const lock = convoy.link?.filter.name ?? 'a lock';
    const sentence =
      `Meanwhile its task held ${lock}, for ${timeText(most.nanos)} of the ${timeText(held)} that it was held: ` +
      `others waited for it ${timeText(convoy.costNanos)} in ${counted(convoy.count, 'wait')}.`;
    const by = joined(most.finding, convoy, sentence, `waits for ${lock}`);
    result = replaced(result, most.finding, by, convoy);
  }
  return result;
}

/**
 * Time of holds that lies in blocks of the task that holds. On what thread something is held the trace does not say: what is held in no task, or
 * in one that several threads take part in, may be held by another thread than the blocked one, and counts for nothing.
 */
function heldInBlocks(index: TraceIndex, holds: readonly number[], blocks: readonly number[]): number {
  const { start } = index.trace.columns;
  const byTask = new Map<number, number[]>();
  for (const row of blocks) {
    const task = index.taskOf(row);
    const rows = byTask.get(task);
    if (rows !== undefined) rows.push(row);
    else if (isOnOneThread(index, tasksOf(index).byNumber(task))) byTask.set(task, [row]);
  }
  let nanos = 0;
  if (byTask.size === 0) return nanos;
  for (const hold of holds) {
    for (const block of byTask.get(index.taskOf(hold)) ?? []) {
      const from = Math.max(start[hold]!, start[block]!);
      nanos += Math.max(0, Math.min(index.endOf(hold), index.endOf(block)) - from);
    }
  }
  return nanos;
}

function isOnOneThread(index: TraceIndex, task: Task | undefined): boolean {
  if (task === undefined) return false;
  const threads = new Set<unknown>();
  for (const row of tasksOf(index).eventsOf(task)) {
    const thread = index.threadOf(index.trace.columns.track[row]!);
    if (thread !== undefined) threads.add(thread);
    if (threads.size > 1) return false;
  }
  return true;
}

function lengthOf(index: TraceIndex, row: number): number {
  return index.endOf(row) - index.trace.columns.start[row]!;
}

const TASK_RULES: ReadonlySet<string> = new Set(['slow-tail', 'mostly-waiting']);
/** So much of a task's time a task in it must last, to be why it is slow. */
const INSIDE_SHARE = 0.75;

/** Tasks whose worst case is for the most part a task in it of which a finding tells. */
function withTasksInside(index: TraceIndex, findings: readonly Finding[]): readonly Finding[] {
  const slow = findings.flatMap((finding) => {
    const task = TASK_RULES.has(finding.rule) ? tasksOf(index).byNumber(finding.worst?.task ?? 0) : undefined;
    return task === undefined ? [] : [{ finding, task }];
  });
  const byName = new Map(slow.map(({ finding, task }) => [task.name, finding]));
  const into = new Map<Finding, Finding>();
  const standIn = (finding: Finding): Finding => {
    let at = finding;
    for (let next = into.get(at); next !== undefined; next = into.get(at)) at = next;
    return at;
  };
  const shares = new Map<Finding, string>();
  for (const { finding, task } of slow) {
    const inside = insideOf(index, task).findLast(({ name }) => byName.has(name));
    // Tasks of a name may be in tasks that are in tasks of that name: then one of their findings stays.
    if (inside === undefined || standIn(byName.get(inside.name)!) === finding) continue;
    into.set(finding, byName.get(inside.name)!);
    shares.set(finding, `${lengthText(index, inside)} of ${lengthText(index, task)}`);
  }
  return findings
    .filter((finding) => !into.has(finding))
    .map((finding) => {
      const around = slow.filter((each) => each.finding !== finding && standIn(each.finding) === finding);
      if (around.length === 0) return finding;
      const named = around.map(
        ({ finding: of, task }) => `${task.name} (${shares.get(of)} in #${task.number})`,
      );
      return around.reduce(
        (all, { finding: other, task }) => joined(all, other, '', `the task ${task.name} #${task.number}`),
        {
          ...finding,
          sentence: `${finding.sentence} That is also why tasks around them are slow: ${named.join(', ')}.`,
        },
      );
    });
}

function lengthText(index: TraceIndex, { row }: Task): string {
  return timeText(lengthOf(index, row));
}

/** Tasks within a task, of other names, that last for most of it; the innermost last. */
function insideOf(index: TraceIndex, task: Task): Task[] {
  const enough = INSIDE_SHARE * lengthOf(index, task.row);
  return withDescendants(task).filter(
    (each) => each !== task && each.name !== task.name && lengthOf(index, each.row) >= enough,
  );
}
