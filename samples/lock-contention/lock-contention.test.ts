/** What a lock costs that is held while there is work to do, by the trace. */
import { EventKind } from '@ttrace/format';
import { beforeAll, expect, test } from 'vitest';
import { type SampleTrace, type Slice, slicesOf, taskOf, total, traceOf } from '../trace-of.ts';

let sample: SampleTrace;
let high: Slice;
let low: Slice;

beforeAll(async () => {
  sample = await traceOf('lock-contention');
  high = taskOf(sample, 'high contention');
  low = taskOf(sample, 'low contention');
});

test('both ways count everything', () => {
  expect([...sample.stdout.matchAll(/counter (\d+) /g)].map((match) => match[1])).toEqual([
    '100000',
    '100000',
  ]);
});

test('the lock is held once an increment, or once a job, and by one thread at a time', () => {
  const held = slicesOf(sample, 'region', 'lock counter');
  expect(held.filter(({ end }) => end <= high.end)).toHaveLength(100_000);
  expect(held.filter(({ start }) => start >= low.start)).toHaveLength(100);
  const byTime = held.toSorted((a, b) => a.start - b.start);
  // A clock of each thread is set to the others' to the microsecond or so.
  const overlaps = byTime.filter(({ start }, index) => index > 0 && start < byTime[index - 1]!.end - 20_000);
  expect(overlaps).toEqual([]);
});

test('threads wait for it more than ten times as long where it is held for long', () => {
  const waited = (way: Slice): number => total(slicesOf(sample, 'wait', 'lock counter wait', way));
  expect(waited(high)).toBeGreaterThan(10 * waited(low));
  // On average more than one of the four waits.
  expect(waited(high)).toBeGreaterThan(high.end - high.start);
});

test('arrows lead from who let it go to those that waited', () => {
  const unlocks = slicesOf(sample, 'flow', 'lock counter unlock', high);
  expect(unlocks.length).toBeGreaterThan(100);
  expect(sample.trace.columns.kind.filter((kind) => kind === EventKind.flowIn).length).toBeGreaterThan(100);
});

test('without contention it is faster', () => {
  // Twice as fast at least where there are two processors to be had.
  expect(high.end - high.start).toBeGreaterThan(1.1 * (low.end - low.start));
});
