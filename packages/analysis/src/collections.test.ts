/** Which slices count as garbage collections: ours, and V8's own, of which several make one. */
import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readTrace } from '@ttrace/format';
import { expect, test } from 'vitest';
import { checkBudgets } from './budgets.ts';
import { sumOf } from './duration-columns.ts';
import { eachCollectionTable, gcTable } from './gc-table.ts';
import { threadActivity } from './thread-activity.ts';
import { THREAD_STATES, threadTimes } from './thread-states.ts';
import { indexOf, type TraceIndex } from './trace-index.ts';
import { traceOf } from './trace-test-kit.ts';

const capture = async (name: string): Promise<TraceIndex> =>
  indexOf(
    await readTrace(
      createReadStream(fileURLToPath(new URL(`../../format/testdata/${name}`, import.meta.url))),
    ),
  );

const phases = 'devtools.timeline,disabled-by-default-v8.gc';
const V8_LOG = `process 1 "node"
track 1/1 thread "main"
track 1/9 thread "helper"
slice 1/1 +0.000000000 1.000000000 node "RunTimers"
slice 1/1 +0.100000000 0.010000000 devtools.timeline,v8 "MinorGC"
slice 1/1 +0.101000000 0.008000000 v8 "V8.GCScavenger"
slice 1/1 +0.102000000 0.006000000 ${phases} "V8.GC_SCAVENGER"
slice 1/1 +0.103000000 0.004000000 ${phases} "V8.GC_SCAVENGER_SCAVENGE"
slice 1/1 +0.200000000 0.003000000 v8 "V8.GCIncrementalMarkingStart"
slice 1/1 +0.210000000 0.001000000 v8 "V8.GCIncrementalMarking"
slice 1/1 +0.300000000 0.040000000 devtools.timeline,v8 "MajorGC"
slice 1/1 +0.301000000 0.002000000 v8 "V8.GCIncrementalMarking"
slice 1/1 +0.304000000 0.030000000 v8 "V8.GCFinalizeMC"
slice 1/1 +0.400000000 0.005000000 v8 "V8.DeserializeContext"
slice 1/9 +0.100000000 0.020000000 ${phases} "V8.GC_MC_BACKGROUND_MARKING"`;

test('of V8’s slices about one collection the outermost counts, under the recorder’s name for its kind', () => {
  const index = indexOf(traceOf(V8_LOG));
  expect(
    gcTable(index).rows.map(({ thread, kind, durations }) => [thread.name, kind, [...durations]]),
  ).toEqual([
    ['main', 'GC major', [40e6]],
    ['main', 'GC minor', [10e6]],
    ['main', 'GC incremental', [1e6, 3e6]],
  ]);
  expect(gcTable(index).note).toBeUndefined();
});

test('a kind’s link and a text find V8’s collections, whatever V8 calls them', () => {
  const index = indexOf(traceOf(V8_LOG));
  for (const row of gcTable(index).rows) {
    const { filter } = gcTable(index).linkOf!(row)!;
    expect(eachCollectionTable(index, filter).rows.map(({ kind }) => kind)).toEqual(
      Array.from(row.durations, () => row.kind),
    );
  }
  expect(eachCollectionTable(index, { text: 'gc MINOR' }).rows).toHaveLength(1);
  expect(eachCollectionTable(index, { text: 'MinorGC' }).rows).toHaveLength(1);
  expect(eachCollectionTable(index, { name: 'MinorGC' }).rows).toEqual([]);
});

test('a thread collects garbage in V8’s collections with all of their phases, and not in what helpers do beside it', () => {
  const index = indexOf(traceOf(V8_LOG));
  const gc = THREAD_STATES.indexOf('gc');
  const times = index.threads.map(
    (thread) => threadTimes(index, thread, thread.start, thread.end).byState[gc],
  );
  expect(times).toEqual([54e6, 0]);
  expect(threadActivity(index.trace).map(({ gcNanos }) => gcNanos)).toEqual([54e6, 0]);
});

test('slices that bear V8’s names but are a program’s own are no collections', () => {
  const index = indexOf(
    traceOf('process 1 "a"\ntrack 1/1 thread "main"\nslice 1/1 +0.000000000 0.010000000 region "MajorGC"'),
  );
  expect(gcTable(index).rows).toEqual([]);
  expect(gcTable(index).note).toMatch(/^No garbage collection was recorded: how much/);
});

test('a log of Node.js tells as many collections as V8 began, and check measures them', async () => {
  const index = await capture('node/20.20.2/gc.json');
  const counts = gcTable(index).rows.map(({ kind, durations }) => [kind, durations.length]);
  expect(Object.fromEntries(counts)).toEqual({ 'GC minor': 31, 'GC major': 2, 'GC incremental': 5 });
  const [main] = index.threads;
  const inGc = threadTimes(index, main!, index.start, index.end).byState[THREAD_STATES.indexOf('gc')];
  expect(gcTable(index).rows.reduce((sum, { durations }) => sum + sumOf(durations), 0)).toBe(inGc);
  expect(checkBudgets(index, [{ kind: 'max-gc', share: 0.05 }])[0]!.sentence).toMatch(
    /^garbage collection: \d+\.\d % \(JavaScriptMainThread\), over/,
  );
});

test('a CPU profile says how much of its time the samples met the collector', async () => {
  const { rows, note } = gcTable(await capture('node/26.10.0/inspector.cpuprofile'));
  expect(rows).toEqual([]);
  expect(note).toBe(
    'No garbage collection was recorded; CPU samples found the collector in 12.7 ms of thread 1, 27.7 % of its time.',
  );
});
