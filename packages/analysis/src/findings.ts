/** All rules, and what they find in a trace: the answer of `ttrace lint`, and the insights of the home page. */
import { type Finding, type Rule, worstFirst } from './finding.ts';
import { mergedFindings } from './merged-findings.ts';
import { uncaughtError } from './rules/error-rules.ts';
import { blockedLoop, microtaskStarvation, syncInTask } from './rules/loop-rules.ts';
import { allocationBurst } from './rules/memory-rules.ts';
import { damagedFile, droppedEvents, unrecordedLoop } from './rules/recorder-rules.ts';
import { mostlyWaiting, openRegion, slowTail, unboundedNames, unendedTask } from './rules/task-rules.ts';
import { gcWindow, idleWorker } from './rules/thread-rules.ts';
import { growingQueue, lockConvoy, queuedForPool, smallMessages } from './rules/wait-rules.ts';
import { visibleText } from './text-columns.ts';
import type { TraceIndex } from './trace-index.ts';

export const RULES: readonly Rule[] = [
  uncaughtError,
  blockedLoop,
  microtaskStarvation,
  syncInTask,
  slowTail,
  mostlyWaiting,
  unendedTask,
  openRegion,
  unboundedNames,
  idleWorker,
  growingQueue,
  smallMessages,
  lockConvoy,
  queuedForPool,
  gcWindow,
  allocationBurst,
  droppedEvents,
  damagedFile,
  unrecordedLoop,
];

/** What all rules find, the worst first. */
export function findingsOf(index: TraceIndex): readonly Finding[] {
  return index.once(find);
}

function find(index: TraceIndex): readonly Finding[] {
  const found = RULES.flatMap((rule) => index.once(rule.find));
  const findings = mergedFindings(
    index,
    found.map((each): Finding => ({ cases: [], also: [], ...each })),
  );
  // Names in them come from the program.
  return worstFirst(findings.map((each) => ({ ...each, sentence: visibleText(each.sentence) })));
}

/** Does the work of `findingsOf` a rule at a time, for those that have other things to do in between. */
export function* findingSteps(index: TraceIndex): Generator<void, void, undefined> {
  for (const { find } of RULES) {
    index.once(find);
    yield;
  }
}
