/** `summarize` over traces written as text, and its percentiles against a slow definition of the same. */
import { readTextTrace, TEXT_MAGIC, type Trace } from '@ttrace/format';
import { expect, test } from 'vitest';
import { percentile } from './name-stats.ts';
import { summarize } from './summary.ts';

function traceOf(text: string): Trace {
  const trace = readTextTrace(`${TEXT_MAGIC}\n${text}`);
  expect(trace.error?.message).toBeUndefined();
  return trace;
}

const TWO_THREADS = `origin 5000000000
clock 4000000000 1700000000000
process 1 "shop"
track 1/1 thread "main" dropped=2
track 1/2 thread "worker 1" dropped=3
track a1 async 1 task "0x1" "order"
track c1 counter 1 "" "queue" unit="orders"
slice 1/1 +0.000000100 0.000000500 region "parse"
slice 1/1 +0.000000200 0.000000100 region "check"
slice 1/1 +0.000000900 0.000000100 region "parse"
slice 1/1 +0.000000950 open region "parse"
slice 1/2 +0.000002000 0.000000300 flow "receive"
slice a1 +0.000000050 0.000003000 task "order"
counter c1 +0.000000300 4 "queue"
counter c1 +0.000000100 1 "queue"
flow-out 1/1 +0.000000200 1 flow "f"
flow-in 1/2 +0.000002000 1 flow "f"
flow-out 1/1 +0.000000300 2 flow "f"
instant 1/1 +0.000000300 log "cache"
`;

test('tasks and regions are grouped by name with exact figures', () => {
  const { tasks, regions, regionsAre } = summarize(traceOf(TWO_THREADS));
  expect(regionsAre).toBe('regions');
  expect(tasks.map(({ name, count, totalNanos }) => [name, count, totalNanos])).toEqual([['order', 1, 3000]]);
  expect(regions.map(({ name }) => name)).toEqual(['parse', 'check']);
  expect(regions[0]).toEqual({
    name: 'parse',
    count: 3,
    unfinished: 1,
    totalNanos: 600,
    meanNanos: 300,
    p50Nanos: 100,
    p95Nanos: 500,
    p99Nanos: 500,
    maxNanos: 500,
  });
});

test('a region of an asynchronous function that is in two slices counts once, as both together', () => {
  const { regions } = summarize(
    traceOf(`process 1 "shop"
track 1/1 thread "main"
track a1 async 1 region "0x1" "load"
track a2 async 1 region "0x2" "load"
slice 1/1 +0.000000100 0.000000500 region "load"
slice 1/1 +0.000000200 0.000000400 region "parse"
slice a1 +0.000000600 0.000002000 region "load"
slice a1 +0.000003000 0.000000100 region "load"
slice 1/1 +0.000004000 0.000000500 region "load"
slice a2 +0.000004500 open region "load"
`),
  );
  expect(
    regions.map(({ name, count, unfinished, totalNanos }) => [name, count, unfinished, totalNanos]),
  ).toEqual([
    ['load', 3, 1, 2600],
    ['parse', 1, 0, 400],
  ]);
});

test('a thread is busy while any of its slices is open, and nested slices count once', () => {
  const { threads } = summarize(traceOf(TWO_THREADS));
  expect(threads.map(({ name, events, busyNanos, dropped }) => [name, events, busyNanos, dropped])).toEqual([
    ['main', 7, 600, 2],
    ['worker 1', 2, 300, 3],
  ]);
  expect(threads[0]).toMatchObject({ firstNanos: 100, lastNanos: 1000 });
});

test('a thread that waits is not busy, also inside a region', () => {
  const { threads } = summarize(
    traceOf(`process 1 "shop"
track 1/1 thread "main"
slice 1/1 +0.000000100 0.000000500 region "parse"
slice 1/1 +0.000000200 0.000000300 wait "Atomics.wait"
slice 1/1 +0.000000300 0.000000100 wait "Atomics.wait"
slice 1/1 +0.000000700 0.000000100 wait "Atomics.wait"
slice 1/1 +0.000000150 0.000000020 gc "GC minor"
`),
  );
  expect(threads[0]).toMatchObject({ busyNanos: 200, waitingNanos: 400, gcNanos: 20 });
});

test('busy time does not depend on the order of the file', () => {
  const lines = TWO_THREADS.trimEnd().split('\n');
  const isHeader = (line: string): boolean => !/^(slice|counter|flow|instant)/.test(line);
  const reversed = [...lines.filter(isHeader), ...lines.filter((line) => !isHeader(line)).reverse()].join(
    '\n',
  );
  expect(summarize(traceOf(reversed)).threads).toEqual(summarize(traceOf(TWO_THREADS)).threads);
});

test('span, wall clock, kinds, categories, counters, flows and drops are stated', () => {
  const summary = summarize(traceOf(TWO_THREADS));
  expect(summary).toMatchObject({
    startNanos: 50,
    endNanos: 3050,
    durationNanos: 3000,
    events: 12,
    dropped: 5,
  });
  expect(summary.startedAt).toBe('2023-11-14T22:13:21.000Z');
  expect(summary.kinds.map(({ name, count }) => `${name} ${count}`)).toEqual([
    'slice 6',
    'counter 2',
    'flowOut 2',
    'flowIn 1',
    'instant 1',
  ]);
  expect(summary.categories[0]).toEqual({ name: 'flow', count: 4 });
  expect(summary.counters).toEqual([
    { pid: 1, name: 'queue', unit: 'orders', samples: 2, min: 1, mean: 2.5, max: 4, last: 4 },
  ]);
  expect(summary.flows).toEqual({ count: 2, complete: 1 });
  expect(summary.lost).toBeUndefined();
});

test('a trace of another producer has all its slices where regions stand, and says so', () => {
  const { regions, regionsAre, tasks } = summarize(
    traceOf('track 1/1 thread ""\nslice 1/1 +0.000000000 0.000000007 node,bootstrap "load"'),
  );
  expect(regionsAre).toBe('slices');
  expect(regions).toMatchObject([{ name: 'load', count: 1, totalNanos: 7 }]);
  expect(tasks).toEqual([]);
});

test('an empty trace has an empty summary', () => {
  expect(summarize(traceOf(''))).toMatchObject({
    events: 0,
    durationNanos: 0,
    threads: [],
    kinds: [],
    regions: [],
  });
});

test('a damaged file is named with the share that is lost', () => {
  const text = `${TEXT_MAGIC}\ntrack 1/1 thread ""\nbroken\n${'#'.repeat(1000)}`;
  const { lost } = summarize(readTextTrace(text));
  expect(lost?.code).toBe('malformed');
  expect(lost?.offset).toBe(TEXT_MAGIC.length + 1 + 20);
  expect(lost?.share).toBeCloseTo(1 - (lost?.offset ?? 0) / text.length);
});

test('the p-th percentile is the smallest value that p percent of the values do not exceed', () => {
  for (let n = 1; n <= 40; n++) {
    const sorted = Float64Array.from({ length: n }, (_, i) => i * i);
    for (const p of [1, 25, 50, 95, 99, 100]) {
      const slow = sorted.find((value) => sorted.filter((other) => other <= value).length * 100 >= p * n);
      expect(percentile(sorted, p)).toBe(slow);
    }
  }
  expect(percentile(new Float64Array(0), 50)).toBe(0);
});
