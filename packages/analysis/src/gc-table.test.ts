/** Garbage collections by thread and kind, and one by one. */
import { expect, test } from 'vitest';
import { eachCollectionTable, gcTable } from './gc-table.ts';
import { tableObjects } from './table-text.ts';
import { indexOf } from './trace-index.ts';
import { traceOf } from './trace-test-kit.ts';

const index = indexOf(
  traceOf(
    [
      'process 1 "shop"',
      'track 1/1 thread "main"',
      'track 1/2 thread "worker"',
      'slice 1/1 +0.000000000 0.100000000 region "all"',
      'slice 1/1 +0.010000000 0.001000000 gc "GC minor"',
      'slice 1/1 +0.020000000 0.003000000 gc "GC minor"',
      'slice 1/1 +0.030000000 0.010000000 gc "GC major"',
      'slice 1/2 +0.050000000 0.050000000 region "all"',
      'slice 1/2 +0.060000000 0.002000000 gc "GC minor"',
    ].join('\n'),
  ),
);
const shown = (filter = {}): unknown =>
  tableObjects(gcTable(index, filter)).map(({ thread, kind, count, totalNanos, share }) => [
    thread,
    kind,
    count,
    totalNanos,
    share,
  ]);

test('each thread and kind has a row with its share of the thread’s time, the most time first', () => {
  expect(shown()).toEqual([
    ['main', 'GC major', 1, 10e6, 0.1],
    ['main', 'GC minor', 2, 4e6, 0.04],
    ['worker', 'GC minor', 1, 2e6, 0.04],
  ]);
  const table = gcTable(index);
  expect(table.spanOf?.(table.rows[1]!)).toEqual({ start: 20e6, end: 23e6 });
});

test('a filter takes a thread, a kind, a length and a stretch', () => {
  expect(shown({ thread: 'worker' })).toEqual([['worker', 'GC minor', 1, 2e6, 0.04]]);
  expect(shown({ name: 'GC major' })).toHaveLength(1);
  expect(shown({ text: 'MAJOR' })).toHaveLength(1);
  expect(shown({ min: 3e6, max: 10e6 })).toEqual([['main', 'GC minor', 1, 3e6, 0.03]]);
  // Half of the collection lies in the stretch: it counts whole, its share of the stretch by what lies in it.
  expect(shown({ from: 35e6, to: 45e6 })).toEqual([['main', 'GC major', 1, 10e6, 0.5]]);
});

test('one by one they come the longest first', () => {
  const objects = tableObjects(eachCollectionTable(index));
  expect(objects.map(({ durationNanos }) => durationNanos)).toEqual([10e6, 3e6, 2e6, 1e6]);
  expect(objects[0]).toMatchObject({ kind: 'GC major', thread: 'main', startNanos: 30e6 });
});
