/** What buffers cost that are made anew, by the trace. */
import { EventKind } from '@ttrace/format';
import { beforeAll, expect, test } from 'vitest';
import { type SampleTrace, type Slice, slicesOf, taskOf, total, traceOf } from '../trace-of.ts';

let sample: SampleTrace;
let fresh: Slice;
let pooled: Slice;

beforeAll(async () => {
  sample = await traceOf('object-pool');
  fresh = taskOf(sample, 'new buffers');
  pooled = taskOf(sample, 'pooled buffers');
});

/** On the way's own thread. */
const collections = ({ name, start, end }: Slice): Slice[] =>
  sample.slices.filter(
    (slice) =>
      slice.category === 'gc' && slice.row.endsWith(name) && slice.start >= start && slice.end <= end,
  );

test('both ways answer the same messages', () => {
  for (const way of [fresh, pooled]) expect(slicesOf(sample, 'region', 'chunk', way)).toHaveLength(1300);
  const checks = [...sample.stdout.matchAll(/check (\d+)/g)].map(([, check]) => check);
  expect(checks).toHaveLength(2);
  expect(new Set(checks).size).toBe(1);
});

test('collections take several times as long, and so do the messages, where every one gets a new buffer', () => {
  expect(total(collections(fresh))).toBeGreaterThan(3 * total(collections(pooled)));
  const work = (way: Slice): number => total(slicesOf(sample, 'region', 'chunk', way));
  expect(work(fresh)).toBeGreaterThan(2 * work(pooled));
});

test('the memory of pooled buffers stays the same', () => {
  const { columns, tracks, length } = sample.trace;
  const most = (way: string): number => {
    let max = 0;
    for (let row = 0; row < length; row++) {
      const { name } = tracks[columns.track[row]!]!;
      if (columns.kind[row] === EventKind.counter && name.endsWith(`${way} array buffers`)) {
        max = Math.max(max, columns.value[row]!);
      }
    }
    return max;
  };
  expect(most('new buffers')).toBeGreaterThan(10 * most('pooled buffers'));
});
