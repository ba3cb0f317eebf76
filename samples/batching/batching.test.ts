/** What items cost that travel alone, by the trace. */
import { beforeAll, expect, test } from 'vitest';
import { type SampleTrace, type Slice, slicesOf, taskOf, total, traceOf } from '../trace-of.ts';

const ITEMS = 60_000;
let sample: SampleTrace;
let single: Slice;
let batches: Slice;

beforeAll(async () => {
  sample = await traceOf('batching');
  single = taskOf(sample, 'one by one');
  batches = taskOf(sample, 'in batches of 100');
});

test('both ways come to the same results', () => {
  const results = [...sample.stdout.matchAll(/(\d+) results \(sum (\d+)\)/g)].map((match) => match.slice(1));
  expect(results).toHaveLength(2);
  for (const result of results) expect(result).toEqual([String(ITEMS), String(ITEMS * (ITEMS + 1))]);
});

test('an item takes a message there and one back, or a hundredth of both', () => {
  const sent = (way: Slice): number => slicesOf(sample, 'message', 'postMessage', way).length;
  // The worker may be done with sending the last answer after main has it, and so after the task.
  for (const [way, messages] of [
    [single, 2 * ITEMS],
    [batches, (2 * ITEMS) / 100],
  ] as const) {
    expect(sent(way)).toBeGreaterThanOrEqual(messages - 1);
    expect(sent(way)).toBeLessThanOrEqual(messages);
  }
});

test('the worker spends more of the time with items', () => {
  const share = (way: Slice): number =>
    total(slicesOf(sample, 'region', 'process', way)) / (way.end - way.start);
  expect(share(batches)).toBeGreaterThan(3 * share(single));
});
