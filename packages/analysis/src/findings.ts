/** All rules, and what they find in a trace: the answer of `ttrace lint`, and the insights of the home page. */
import { type Finding, type Rule, worstFirst } from './finding.ts';
import { uncaughtError } from './rules/error-rules.ts';
import { blockedLoop, microtaskStarvation, syncInTask } from './rules/loop-rules.ts';
import { damagedFile, droppedEvents } from './rules/recorder-rules.ts';
import { mostlyWaiting, openRegion, slowTail, unboundedNames, unendedTask } from './rules/task-rules.ts';
import { allocationBurst, gcWindow, idleWorker } from './rules/thread-rules.ts';
import { growingQueue, lockConvoy, queuedForPool, smallMessages } from './rules/wait-rules.ts';
import type { Table } from './table.ts';
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
];

/** What all rules find, the worst first. */
export function findingsOf(index: TraceIndex): readonly Finding[] {
  return index.once(find);
}

function find(index: TraceIndex): readonly Finding[] {
  const findings = RULES.flatMap((rule) => index.once(rule.find));
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

/** Findings as a table. */
export function findingsTable(index: TraceIndex): Table<Finding> {
  return {
    id: 'lint',
    title: 'Findings',
    help: 'What is probably wrong, the worst first: high is what users notice, medium is worth a look, low is good to know. Each names its worst case and what to do.',
    columns: [
      {
        id: 'severity',
        title: 'Severity',
        unit: 'text',
        help: 'How bad it is.',
        of: ({ severity }) => severity,
      },
      {
        id: 'rule',
        title: 'Rule',
        unit: 'text',
        help: 'Name of the rule that found it.',
        of: ({ rule }) => rule,
      },
      { id: 'count', title: 'Count', unit: 'count', help: 'How many cases.', of: ({ count }) => count },
      {
        id: 'costNanos',
        title: 'Costs',
        unit: 'nanos',
        help: 'Time that it costs, as far as that can be said.',
        of: ({ costNanos }) => costNanos,
      },
      { id: 'sentence', title: 'What', unit: 'text', help: 'What is wrong.', of: ({ sentence }) => sentence },
      {
        id: 'advice',
        title: 'What to do',
        unit: 'text',
        help: 'What to do about it.',
        of: ({ advice }) => advice,
      },
    ],
    rows: findingsOf(index),
    spanOf: ({ span }) => span,
    linkOf: ({ link }) => link,
  };
}
